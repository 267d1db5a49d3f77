/** Keys for commands, tools of the host, and the service itself. */

import { z } from "zod";
import { MB, type WrittenLimits } from "../../lib/program_limits.ts";
import { people } from "./access.ts";
import {
  address,
  amount,
  baseAddress,
  key,
  lazyKey,
  lazySection,
  text,
  whole,
} from "./parts/key.ts";
import { secret } from "./parts/secrets.ts";

/** Largest limit that can be written: 1 TB. */
const MOST = MB;

/**
 * The section `limits` of a kind of programs.
 *
 * @param program The subject: "a command".
 * @param holds What counts as its disk: "the workspace may hold".
 */
export function programLimits(
  { memoryMb, tempMb, diskMb }: WrittenLimits,
  program: string,
  holds: string,
) {
  const megabytes = (value: number, description: string) =>
    key(whole(1, MOST).default(value), description, { unit: "megabytes", example: 2 * value });
  return key(
    z.strictObject({
      memoryMb: megabytes(
        memoryMb,
        `Maximum memory of ${program} with all its processes. Barnacle ends it beyond that.`,
      ),
      tempMb: megabytes(
        tempMb,
        `Maximum size of \`/tmp\` in the sandbox, which is memory. Beyond that, ${program} gets ` +
          "the error that the disk is full.",
      ),
      diskMb: megabytes(
        diskMb,
        `Maximum size that ${holds} while ${program} writes. Barnacle ends it beyond that.`,
      ),
    }).prefault({}),
    `Limits of memory and disk of ${program}.`,
  );
}

export const search = lazyKey(
  () =>
    z.strictObject({
      kind: key(
        z.enum(["searxng", "brave"]),
        "The search engine. `searxng`: your own SearXNG, with `json` among its `search.formats`. " +
          "`brave`: the API of Brave Search.",
        { example: "searxng" },
      ),
      url: key(
        baseAddress("put it into apiKey").optional(),
        "Base address of the search engine. `searxng` needs it; it may be on your own network.",
        { unset: "Brave's address", example: "http://127.0.0.1:8888" },
      ),
      apiKey: key(
        secret().optional(),
        "API key of the search engine, written like `models.providers.<provider>.apiKey`. `brave` " +
          "needs it.",
        { unset: "none", example: { file: "brave_api_key" } },
      ),
    }).superRefine(({ kind, url, apiKey }, context) => {
      const missing = kind === "searxng" ? { url } : { apiKey };
      for (const [name, value] of Object.entries(missing)) {
        if (value !== undefined) continue;
        context.addIssue({
          code: "custom",
          message: `The search engine "${kind}" needs "${name}"`,
          params: { hint: `write search.${name}` },
        });
      }
    }),
  "Web search for the tool `web_search`. Without it, there is no such tool.",
  { task: "agents", example: { kind: "searxng", url: "http://127.0.0.1:8888" } },
);

export const commands = lazySection(
  "commands",
  () =>
    z.strictObject({
      native: key(
        z.union([z.boolean(), z.literal("auto")]).default("auto"),
        "Whether to register slash commands. `auto` and `true` register them; `false` removes them.",
        { example: false },
      ),
      text: key(
        z.boolean().default(true),
        "Whether messages that begin with `/` are commands. The whole message is the command.",
        { example: false },
      ),
      config: key(
        z.boolean().default(false),
        "Whether owners may read and change this file by `/config`, `/settings` and `/allowlist`.",
        { example: true },
      ),
      useAccessGroups: key(
        z.boolean().default(true),
        "Whether allow lists apply to commands. With `false`, users who are not listed may give " +
          "commands, too. Commands for owners still need an owner.",
      ),
      ownerAllowFrom: key(
        people().optional(),
        "Owners of the bot, by id or name. They may give every command but `/approve`, decide about " +
          'pairing, and get the bot\'s notices. The model knows them as its owners. Roles and `"*"` ' +
          "make no one an owner.",
        {
          unset: "the owner of the Discord application, or its team",
          example: ["123456789012345678"],
          isCommon: true,
        },
      ),
    }).prefault({}),
  "Commands in Discord.",
  { task: "access" },
);

const bounds = () => ({
  tokensPerDay: tokensPer("day", 1_000_000),
  moneyPerDay: moneyPer("day", 5),
  audioSecondsPerDay: audioSecondsPer("day", 600),
  tokensPerMonth: tokensPer("month", 20_000_000),
  moneyPerMonth: moneyPer("month", 100),
  audioSecondsPerMonth: audioSecondsPer("month", 12_000),
});

const tokensPer = (period: string, example: number) =>
  key(
    whole(0, Number.MAX_SAFE_INTEGER).optional(),
    `Maximum number of tokens per ${period}, of requests and answers together.`,
    { unset: "no limit", unit: "tokens", example },
  );

const moneyPer = (period: string, example: number) =>
  key(
    amount(0, 1_000_000).optional(),
    `Maximum cost per ${period}, in the currency of \`prices\`. Requests to models without prices ` +
      "do not count.",
    { unset: "no limit", example },
  );

const audioSecondsPer = (period: string, example: number) =>
  key(
    whole(0, 10_000_000).optional(),
    `Maximum seconds of audio per ${period}, transcribed or spoken.`,
    { unset: "no limit", unit: "seconds", example },
  );

const budget = (description: string) => key(z.strictObject(bounds()).prefault({}), description);

export const budgets = lazySection(
  "budgets",
  () =>
    z.strictObject({
      perUser: budget("Budget of each user, over all channels."),
      perRole: key(
        z.record(z.string().regex(/^\d{17,20}$/, "Expected the id of a role"), budgetOfRole())
          .default({}),
        "Budget of each member with a role, in place of `perUser`, by the role's id. Of several " +
          "roles, the highest limit counts.",
        { entry: "<role>", example: { "810000000000000001": { tokensPerDay: 5_000_000 } } },
      ),
      perGuild: budget("Budget of each guild."),
      perAgent: budget("Budget of each agent."),
      total: budget("Budget of the whole bot, all accounts together."),
    }).prefault({}),
  "Limits of the use of models per UTC day and UTC month. Every request counts, whatever its purpose. A spent " +
    "budget stops turns before they ask a model.",
  { task: "models" },
);

function budgetOfRole() {
  return z.strictObject(bounds());
}

export const preflight = lazySection(
  "preflight",
  () =>
    z.strictObject({
      requiredVars: key(
        z.array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "Expected the name of a variable"))
          .default([]),
        "Environment variables that must be set. If one is missing, Barnacle does not start.",
        { example: ["DISCORD_BOT_TOKEN", "OPENAI_API_KEY"] },
      ),
      network: key(
        z.boolean().default(true),
        "Whether to check the network path to Discord, the token, the intents and the model at each " +
          "start.",
      ),
      dns: key(z.boolean().default(true), "Whether that check reports DNS look-ups."),
    }).prefault({}),
  "Checks before Barnacle connects.",
  { task: "connection", takesEffect: "reconnect" },
);

export const shutdown = lazySection(
  "shutdown",
  () =>
    z.strictObject({
      graceSec: key(
        amount(0, 600).default(20),
        "How long running turns may continue after a signal to stop.",
        { unit: "seconds", example: 60 },
      ),
    }).prefault({}),
  "How Barnacle stops.",
  { task: "operating" },
);

const LOG_LEVELS = ["error", "warn", "info", "debug", "connection_debug"] as const;

export const log = lazySection(
  "log",
  () =>
    z.strictObject({
      level: key(
        z.enum(LOG_LEVELS).default("info"),
        "Least level of log lines to write. `connection_debug` is `info` with all details of the " +
          "gateway connection; accounts reconnect when it is switched on or off.",
        { example: "debug" },
      ),
      file: lazyKey(
        text,
        "File that gets each log line as JSON, beside stderr. A relative path starts at the data " +
          "directory. Barnacle keeps four older files beside it, 50 MB in all.",
        {
          unset: "none: the log goes to stderr only",
          example: "barnacle.log",
          takesEffect: "restart",
        },
      ),
    }).prefault({}),
  "Logging.",
  { task: "operating" },
);

export const http = lazySection(
  "http",
  () =>
    z.strictObject({
      bind: key(
        z.union([text(), z.array(text()).min(1)]).default(["127.0.0.1", "::1"])
          .transform((bind) => typeof bind === "string" ? [bind] : bind),
        "Addresses to listen on for `/healthz`, `/readyz`, `/livez` and `/metrics`. An address that " +
          "other machines can reach needs `http.token`.",
        { example: "127.0.0.1" },
      ),
      port: key(
        whole(0, 65_535).default(8_787),
        "Port to listen on; if another program uses it, the next free one. 0 takes any.",
        {
          example: 8_080,
        },
      ),
      token: key(
        secret().optional(),
        "Bearer token with which clients may read `/metrics`, `/status` and details, also on this " +
          "machine. Barnacle's own commands need none. Required, with at least 32 " +
          "characters, if they can reach `http.bind`. It is written like `channels.discord.token`.",
        { unset: "none", example: { file: "http_token" } },
      ),
      publicUrl: key(
        baseAddress("leave it out: the dashboard has a login of its own").optional(),
        "Address under which other machines reach the server, with the path below which a proxy serves " +
          "it. Login links have it. `localhost`, `127.0.0.1` and `[::1]` always work, too.",
        { unset: "this machine only", example: "https://home.example.org/barnacle" },
      ),
      dashboard: key(
        z.boolean().default(false),
        "Whether to serve the dashboard. `barnacle dashboard` prints the link to log in.",
        { takesEffect: "now" },
      ),
      showText: key(
        z.boolean().default(false),
        "Whether the dashboard's lists of messages show the first words of accepted ones.",
        { takesEffect: "now" },
      ),
      hooks: lazyKey(
        () =>
          z.strictObject({
            bind: key(
              z.union([text(), z.array(text()).min(1)]).default(["127.0.0.1", "::1"])
                .transform((bind) => typeof bind === "string" ? [bind] : bind),
              "Addresses to listen on for hooks, and for nothing else.",
              { example: "0.0.0.0" },
            ),
            port: key(whole(0, 65_535).default(8_788), "Port for hooks. 0 takes a free one.", {
              example: 9_000,
            }),
          }),
        "Where to listen for `hooks`. Without a hook, nothing listens there.",
        { unset: "port 8788 of this machine", takesEffect: "now", example: { port: 9_000 } },
      ),
      keepAliveUrl: key(
        address("leave it out: /livez asks for none").optional(),
        "Public address of this service. Barnacle requests its `/livez` every 4 minutes, for hosts that " +
          "put idle processes to sleep.",
        { unset: "off", example: "https://bot.example.org" },
      ),
    }).prefault({}),
  "Health checks and metrics over HTTP.",
  { task: "operating", takesEffect: "restart" },
);
