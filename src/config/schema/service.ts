/**
 * The rest of the config: commands, tools of the host, and the service itself.
 *
 * @module
 */

import { z } from "zod";
import { address, amount, key, later, laterSection, text, whole } from "./key.ts";
import { people } from "./access.ts";
import { secret } from "./secrets.ts";

export const commands = z.strictObject({
  native: key(
    z.union([z.boolean(), z.literal("auto")]).default("auto"),
    "Whether slash commands are registered; `false` removes them. `auto` registers them.",
  ),
  text: later(z.boolean().default(true), "Commands as messages that begin with `/`."),
  config: later(z.boolean().default(false), "Whether `/config` exists."),
  useAccessGroups: key(
    z.boolean().default(true),
    "`false` spares commands the allowlists; an owner's still need an owner.",
  ),
  ownerAllowFrom: key(
    people().optional(),
    "Who owns the bot: by id or name, in every place, and whom its buttons obey.",
    { unset: "the application's owner or team", example: ["123456789012345678"] },
  ),
});

export const exec = laterSection(() =>
  z.strictObject({
    mode: key(
      z.enum(["deny", "allowlist", "ask", "full"]).default("ask"),
      "Whether a command of the host runs: never, if listed, if approved, always.",
    ),
    sandbox: key(
      z.enum(["auto", "off"]).default("auto"),
      "Whether commands run apart from the token; `off` takes the risk.",
    ),
  }).prefault({}), "Running commands of the host.");

export const skills = laterSection(() =>
  z.strictObject({
    folders: key(z.array(text()).default([]), "Folders that hold skills."),
  }).prefault({}), "What agents know how to do.");

export const mcp = laterSection(() =>
  z.strictObject({
    servers: key(
      z.record(
        text(),
        z.strictObject({
          url: address("put it into headers").optional(),
          command: text().optional(),
          args: z.array(z.string()).default([]),
          env: z.record(text(), secret()).default({}),
          headers: z.record(text(), secret()).default({}),
          allow: z.array(text()).optional(),
        }).superRefine(({ url, command }, context) => {
          if ((url === undefined) !== (command === undefined)) return;
          context.addIssue({
            code: "custom",
            message: "A server has either a url or a command",
            params: { hint: "write one of them" },
          });
        }),
      ).default({}),
      "Servers by a name of yours.",
    ),
  }).prefault({}), "Tools by the Model Context Protocol.");

const budget = (of: string) =>
  key(
    z.strictObject({
      tokensPerDay: key(whole(0, Number.MAX_SAFE_INTEGER).optional(), "Tokens in a day, at most.", {
        unset: "no bound",
        example: 1_000_000,
      }),
      moneyPerDay: key(amount(0, 1_000_000).optional(), "Money in a day, at most.", {
        unset: "no bound",
        example: 5,
      }),
    }).prefault({}),
    `Budget of ${of}.`,
  );

export const budgets = laterSection(() =>
  z.strictObject({
    perUser: budget("a user"),
    perGuild: budget("a guild"),
    perAgent: budget("an agent"),
    total: budget("all"),
  }).prefault({}), "What may be spent on models.");

export const preflight = z.strictObject({
  requiredVars: key(
    z.array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "Expected the name of a variable"))
      .default([]),
    "Variables of the environment without which Barnacle does not start.",
  ),
  network: key(
    z.boolean().default(true),
    "Whether a start looks at the way to Discord, the token and the intents.",
  ),
  dns: key(z.boolean().default(true), "Whether that look reports names that are not found."),
});

export const shutdown = z.strictObject({
  graceSec: key(amount(0, 600).default(20), "Seconds that running turns have to end."),
});

export const store = z.strictObject({
  retention: key(
    z.strictObject({
      decisionsDays: key(
        whole(0, 36_500).default(30),
        "Why messages were answered or not; 0 is for ever.",
      ),
      decisionsMax: key(
        whole(1, 100_000_000).default(200_000),
        "How many of those there are, at most, the newest.",
      ),
      contextDays: key(
        whole(0, 36_500).default(14),
        "Messages that were not said to the bot; 0 is for ever.",
      ),
      mediaDays: key(
        whole(0, 36_500).default(7),
        "Files that never reached Discord; 0 is for ever.",
      ),
      transcriptsDays: later(
        whole(0, 36_500).default(0),
        "What was said to the bot and answered; 0 is for ever.",
      ),
      maxMb: later(whole(16, 10_000_000).default(2_048), "Size of the store, in megabytes."),
    }).prefault({}),
    "How long things are kept, in days.",
  ),
});

const LOG_LEVELS = ["error", "warn", "info", "debug", "connection_debug"] as const;

export const log = z.strictObject({
  level: key(
    z.enum(LOG_LEVELS).default("info"),
    "How much is logged; `connection_debug` is `info` and all of the gateway.",
  ),
});

export const http = z.strictObject({
  bind: key(
    z.union([text(), z.array(text()).min(1)]).default(["127.0.0.1", "::1"]),
    "Addresses of `/healthz` and its kind; another than loopback takes `http.token`.",
  ),
  port: key(whole(0, 65_535).default(8_787), "Their port; 0 takes a free one."),
  token: key(secret().optional(), "What other machines must send: 32 characters or more.", {
    unset: "none",
    example: "${BARNACLE_HTTP_TOKEN}",
  }),
  hosts: key(
    z.array(text()).default([]),
    "Names by which other machines may ask, without a port; this machine's own always work.",
  ),
  dashboard: later(z.boolean().default(false), "Whether there is a dashboard."),
  keepAliveUrl: key(
    address("leave it out: /livez asks for none").optional(),
    "The service's own public address, for hosts that put idle processes to sleep: its `/livez` is " +
      "fetched every 4 minutes.",
    { unset: "off", example: "https://bot.example.org" },
  ),
});
