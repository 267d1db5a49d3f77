/** Keys of `mcp`: servers of the Model Context Protocol, whose tools the agent gets (T13). */

import { z } from "zod";
import { address, key, lazySection, text } from "../../config/schema/parts/key.ts";
import { secret } from "../../config/schema/parts/secrets.ts";
import { programLimits } from "../../config/schema/service.ts";
import { MCP_LIMITS } from "../../lib/program_limits.ts";

/** The id of a server is a part of its tools' names, which are limited to 64 characters. */
const serverId = () =>
  z.string().regex(
    /^(?!.*__)[A-Za-z0-9][A-Za-z0-9_-]{0,23}$/,
    "Expected a name of A-Z, a-z, 0-9, - and single _, at most 24 characters",
  );

const oauth = () =>
  z.strictObject({
    clientId: key(
      text().optional(),
      "Client id that the server's operator gave you. Its redirect address is " +
        "`http://127.0.0.1:<callbackPort>/callback`.",
      { unset: "Barnacle registers itself", example: "barnacle" },
    ),
    clientSecret: key(
      secret().optional(),
      "Secret of the client, written like an `apiKey`. It needs `clientId` and `issuer`.",
      { unset: "none", example: { file: "mcp_client_secret" } },
    ),
    issuer: key(
      address("put it into clientSecret").optional(),
      "Authorization server that the client belongs to. Barnacle signs in nowhere else with it.",
      { unset: "the server names it", example: "https://auth.example.org" },
    ),
    scope: key(
      text().optional(),
      "Scopes to ask for, separated by spaces.",
      { unset: "those that the server names", example: "read offline_access" },
    ),
    callbackPort: key(
      z.int().min(1_024).max(65_535).optional(),
      "Port of this machine for the browser's return.",
      { unset: "any free port", example: 8_765 },
    ),
  }).superRefine(({ clientId, clientSecret, issuer }, context) => {
    if (clientSecret === undefined || (clientId !== undefined && issuer !== undefined)) return;
    context.addIssue({
      code: "custom",
      message: 'A "clientSecret" needs "clientId" and "issuer"',
      params: { hint: "write them beside it" },
    });
  });

export const mcp = lazySection(
  "mcp",
  () =>
    z.strictObject({
      servers: key(
        z.record(
          serverId(),
          z.strictObject({
            url: key(
              address("put it into headers").optional(),
              "Address of a server over HTTP (Streamable HTTP). It may be on your own network.",
              { unset: "the server is a `command`", example: "https://mcp.example.org/mcp" },
            ),
            command: key(
              text().optional(),
              "Program of a server over stdio; not used if `url` is set. Barnacle starts it at its own start or for a turn, " +
                "and ends it after ten idle minutes. It runs as Barnacle's user, in a folder of its own.",
              { unset: "the server has a `url`", example: "mcp-files" },
            ),
            args: key(z.array(z.string()).default([]), "Arguments of the program.", {
              example: ["/srv/files"],
            }),
            env: key(
              z.record(text(), secret()).default({}),
              "Environment variables of the program. It gets no others, apart from `PATH`, `HOME`, " +
                "`LANG`, `TZ` and `TMPDIR`. A value is written like an `apiKey`.",
              { example: { GITHUB_TOKEN: { file: "github_token" } } },
            ),
            sandbox: key(
              z.enum(["auto", "require", "off"]).default("auto"),
              "Whether the program runs in a sandbox, which needs bubblewrap (`bwrap`). `auto`: if " +
                "bubblewrap works on this machine, as `barnacle doctor` tells; `require`: without it, " +
                "the program does not start; `off`: never. In the sandbox, the program cannot read " +
                "Barnacle's processes, data and config, and writes only to its own folder.",
              { example: "require" },
            ),
            writable: key(
              z.array(text().regex(/^~?\//, "Expected an absolute path")).default([]),
              "Folders that the program may write to in the sandbox, besides its own.",
              { example: ["/srv/files"] },
            ),
            limits: programLimits(MCP_LIMITS, "the program", "its own folder may hold"),
            headers: key(
              z.record(text(), secret()).default({}),
              "Headers of each request to `url`, such as a token in `authorization`. Without one, " +
                "`barnacle mcp login` signs in. A value is written like an `apiKey`.",
              { example: { authorization: { file: "mcp_authorization" } } },
            ),
            login: key(
              z.enum(["operator", "each"]).default("operator"),
              "Whose account at `url` is used. `operator`: one for all. `each`: each person signs in " +
                "with their own, and gets the answers in direct messages.",
              { example: "each" },
            ),
            oauth: key(
              oauth().optional(),
              "Barnacle's registration for a sign-in with OAuth (`barnacle mcp login`). Only servers " +
                "where clients cannot register themselves need it.",
              { unset: "Barnacle registers itself", example: { clientId: "barnacle" } },
            ),
            allow: key(
              z.array(text()).optional(),
              "Tools of the server that agents may have, by the server's names.",
              { unset: "all of them", example: ["list_issues"] },
            ),
            seenBy: key(
              z.enum(["everyone", "nobody"]).default("everyone"),
              "Who may see what its tools change. `everyone`: each call asks on a card, unless the " +
                "server marks the tool with `readOnlyHint`. `nobody`: calls run without a card, as for " +
                "the lamps of your home. Then an injection can change things there, too.",
              { example: "nobody" },
            ),
          }).superRefine(({ url, command, login, headers }, context) => {
            const hasToken = Object.keys(headers).some((name) => /^authorization$/i.test(name));
            if (login === "each" && (url === undefined || hasToken)) {
              context.addIssue({
                code: "custom",
                path: ["login"],
                message: '"each" needs "url", and no "headers.authorization"',
                params: { hint: "each person signs in by OAuth; leave the token out" },
              });
            }
            if (url !== undefined || command !== undefined) return;
            context.addIssue({
              code: "custom",
              message: 'A server needs either "url" or "command"',
              params: { hint: "write one of them" },
            });
          }),
        ).default({}),
        "Servers, by a name of your choice. Their tools are `mcp__<server>__<tool>`, and only owners " +
          "have them by default.",
        { entry: "<server>", example: { files: { command: "mcp-files" } } },
      ),
    }).prefault({}),
  "Tools of Model Context Protocol servers.",
  { task: "agents" },
);
