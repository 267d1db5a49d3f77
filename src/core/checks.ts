/**
 * Lists all checks: what each is called, which commands and reports run it, and its fixed words.
 *
 * Each runner has a list of code, and {@link runChecks} runs the part of it that this list gives to the
 * runner. A check that only `barnacle doctor` runs, and that needs nothing else, is declared in
 * `extras/diagnose/doctor_checks.ts`, together with its code.
 */

import { countText, durationText, sizeOf } from "../lib/text/units.ts";
import type { Finding } from "./finding.ts";

/**
 * Who runs checks.
 *
 * - `audit`: each reading of the config file, thus also `config check`, the start and a reload.
 * - `preflight`: the bot, while it connects, and again while a problem remains.
 * - `health`: the running bot, for `/healthz`, `/readyz`, `/status`, `barnacle status` and the service
 *   manager's status line.
 * - `doctor`, `netcheck`, `invite`, `why`: the commands of these names.
 */
export type CheckRunner =
  | "audit"
  | "preflight"
  | "health"
  | "doctor"
  | "netcheck"
  | "invite"
  | "why";

export interface Check {
  /** Short title of the checked thing: `"Token"`. */
  readonly what: string;
  readonly runs: readonly CheckRunner[];
  /** The next step after any failure; absent if it depends on the failure. */
  readonly fix?: string;
  /**
   * Whether a failure can pass by itself, so that the preflight checks again. A checkbox of the portal
   * needs a restart.
   */
  readonly heals?: true;
  /** The exit code of a command for its failure; absent for that of failed checks in general. */
  readonly exit?: "config" | "refused";
  /** Words for figures of health, which `/healthz` and `/metrics` show as they are. */
  readonly text?: Readonly<Record<string, string>> | ((figure: number) => string);
}

const AUDIT: Pick<Check, "runs" | "exit"> = { runs: ["audit", "doctor"], exit: "config" };
const DOCTOR: Pick<Check, "runs"> = { runs: ["doctor"] };
const CONFIG: Pick<Check, "runs" | "exit"> = { ...DOCTOR, exit: "config" };
const CONNECTION: Pick<Check, "runs"> = { runs: ["preflight", "doctor"] };
const NETWORK: Pick<Check, "runs" | "heals"> = {
  runs: ["preflight", "doctor", "netcheck"],
  heals: true,
};
const GATEWAY: Pick<Check, "runs"> = { runs: ["doctor", "netcheck"] };
const WHY: Pick<Check, "runs"> = { runs: ["why"] };
/** Doctor reports the failed checks of the running bot, too. */
const HEALTH: Pick<Check, "runs" | "what"> = { runs: ["health", "doctor"], what: "Running bot" };

/** Every check by its id. In `preflight:`, `llm:`, `embedding:` and `mcp:`, an id or a name follows. */
export const CHECKS = {
  // The config
  "config": { what: "Config", ...AUDIT },
  "config.token": { what: "Token", runs: ["preflight", "doctor", "invite"], exit: "config" },
  "config.model": { what: "Model", ...CONFIG },
  "config.embedding": { what: "Embedding model", ...CONFIG },
  "config.tokenSource": { what: "Token's place", ...DOCTOR },

  // The way to Discord
  "network.proxy": { what: "Proxy", ...NETWORK },
  "network.rest.dns": { what: "REST API: DNS", ...NETWORK },
  "network.rest.tcp": { what: "REST API: TCP", ...NETWORK },
  "network.rest.tls": { what: "REST API: TLS", ...NETWORK },
  "network.rest.http": { what: "REST API: HTTP", ...NETWORK },
  "network.clock": { what: "Clock", ...NETWORK },
  "network.gateway.dns": { what: "Gateway: DNS", ...GATEWAY },
  "network.gateway.tcp": { what: "Gateway: TCP", ...GATEWAY },
  "network.gateway.tls": { what: "Gateway: TLS", ...GATEWAY },
  "network.gateway.websocket": { what: "Gateway: WebSocket", ...GATEWAY },

  // Discord's view of the bot
  "discord": { what: "Discord", ...DOCTOR },
  "discord.token": {
    what: "Token",
    runs: ["preflight", "doctor", "invite"],
    heals: true,
    exit: "refused",
  },
  "discord.intents": { what: "Intents", ...CONNECTION },
  "discord.intents.message_content": { what: "Message Content Intent", ...CONNECTION },
  "discord.intents.guild_members": { what: "Server Members Intent", ...CONNECTION },
  "discord.intents.guild_presences": { what: "Presence Intent", ...CONNECTION },
  "discord.invite": { what: "Invite", ...CONNECTION },
  "discord.guilds": { what: "Guilds", ...CONNECTION, heals: true },
  "discord.identifies": { what: "New sessions", ...CONNECTION },
  "discord.permissions": { what: "Permissions", ...DOCTOR },
  "discord.hooks": { what: "Hooks", ...DOCTOR },
  "discord.feeds": { what: "Feeds", ...DOCTOR },
  "discord.voice": { what: "Voice channels", ...DOCTOR },
  "discord.risks": { what: "Excess rights", ...DOCTOR },

  // The model
  "model": { what: "Model", ...CONNECTION, heals: true },

  // This machine
  "host.data": { what: "Data directory", ...DOCTOR },
  "host.access": { what: "Access to the data", ...DOCTOR },
  "host.store": { what: "Store", ...DOCTOR },
  "host.bot": { what: "Running bot", ...DOCTOR },
  "host.eventLoop": { what: "Event loop", ...DOCTOR },
  "host.instance": { what: "One instance", ...DOCTOR },
  "host.runs": { what: "Ends of earlier runs", ...DOCTOR },
  "host.card": { what: "Memory card", ...DOCTOR },
  "host.memoryGroup": { what: "Memory limits", ...DOCTOR },
  "host.linger": { what: "Logout", ...DOCTOR },
  "host.backups": { what: "Backups", ...DOCTOR },

  // The people who get an answer
  "access.guilds": { what: "Answers in servers", ...DOCTOR },
  "access.ids": { what: "IDs and names", ...DOCTOR },
  "access.dm": { what: "Direct messages", ...DOCTOR },

  // The running bot
  "account:ended": HEALTH,
  "account:paused": HEALTH,
  "commands:registered": {
    ...HEALTH,
    fix: "commands work as messages, too; the next start registers them again at the latest",
  },
  "questions:cards": {
    ...HEALTH,
    fix: "the person must allow direct messages from members of a server that the bot is in, too",
  },
  "owners:reached": {
    ...HEALTH,
    fix: "an owner must be a person who shares a server with the bot: correct " +
      "`commands.ownerAllowFrom`; `barnacle pairing list` shows the requests",
  },
  "model:refused": HEALTH,
  "feeds": {
    ...HEALTH,
    fix:
      "correct `feeds.<feed>` in the config, or its place at Discord; `barnacle feeds list` shows " +
      "the state of each",
  },
  "voice": {
    ...HEALTH,
    fix: "correct `voice` in the config, or give the bot's role the permission in that channel",
  },
  "access:ids": { ...HEALTH, fix: "correct the ID or name in the config, or invite the bot" },
  "preflight": { ...HEALTH, runs: ["health"] },
  "gateway:connection": {
    ...HEALTH,
    text: {
      connecting: "connecting",
      identifying: "starting a session",
      resuming: "resuming its session",
      backoff: "waiting before the next attempt",
      ready: "connected",
      fatal: "Discord refuses the connection",
      down: "not connected: many attempts have failed",
      unread: "not connected: Barnacle cannot read the READY of this server",
      disabled: "disabled by the config",
    },
  },
  "gateway:heartbeatAckAge": { ...HEALTH, text: (seconds) => `${spanText(seconds * 1_000)} ago` },
  "gateway:latency": HEALTH,
  "gateway:compression": { ...HEALTH, text: { none: "off" } },
  "gateway:identifyBudget": {
    ...HEALTH,
    text: (left) => `${left} sessions left for 24 h`,
    fix: "find out why the bot restarts so often; to end the wait, reset the token in the portal",
  },
  "gateway:catchUp": {
    ...HEALTH,
    text: (channels) =>
      channels === 0 ? "complete" : `${countText(channels, "channel")} still to read`,
  },
  "gateway:unreadable": {
    ...HEALTH,
    fix: 'allow the bot "View Channel" and "Read Message History" in that channel; ' +
      "the bot then reads the messages that it missed",
  },
  "gateway:dispatches": {
    ...HEALTH,
    fix:
      "update Barnacle; if DISCORD_API_URL names another server, its events lack what a bot needs",
  },
  "instance:lock": {
    ...HEALTH,
    fix: "if another program uses this bot's token, stop it, or reset the token in the portal",
  },
  "outbox:parked": {
    ...HEALTH,
    fix: "give the bot's role the permission in that channel's settings; the messages that wait " +
      "then arrive by themselves",
  },
  "outbox:delayed": HEALTH,
  "rest:invalidRequests": HEALTH,
  "rest:limited": {
    ...HEALTH,
    fix:
      "wait: it is sent then, in order; if this comes again and again, another program may use " +
      "this token, or too many people ask in one channel",
  },
  "config:current": HEALTH,
  "http:listen": HEALTH,
  "storage:write": {
    ...HEALTH,
    fix: "check that the disk has room, is mounted and is writable: `df -h`, `mount`",
  },
  "inbox:oldest": { ...HEALTH, text: waitText },
  "inbox:depth": HEALTH,
  "outbox:oldest": { ...HEALTH, text: waitText },
  "outbox:depth": HEALTH,
  "outbox:uncertain": {
    ...HEALTH,
    fix: "Barnacle cannot tell whether these answers arrived, and does not send them " +
      "twice: look for them in their channels, and ask again if one is missing",
  },
  "outbox:dead": {
    ...HEALTH,
    fix: "Discord refused these answers, and Barnacle does not retry them: see its log for " +
      "each reason, fix it, and ask the bot again",
  },
  // The words of a circuit breaker, in which "closed" is the good one.
  "llm": { ...HEALTH, text: { closed: "no failed requests", open: "its last requests failed" } },
  "budget": { ...HEALTH, fix: "raise the limit in `budgets`, or wait until its day or month ends" },
  "alert": { ...HEALTH, runs: ["health"], what: "Alert" }, // doctor has its cause
  "embedding": { what: "Embedding model", runs: ["health", "doctor"] },
  "speech": { what: "Speech", ...DOCTOR },
  "mcp": { what: "MCP server", runs: ["health", "doctor"] },
  "lifecycle:phase": HEALTH,
  "process:uptime": HEALTH,
  "process:eventLoopLag": { ...HEALTH, runs: ["health"] }, // doctor has "host.eventLoop"
  "process:rss": HEALTH,

  // A message without a record
  "why.id": { what: "The id", ...WHY },
  "why.running": { what: "Bot", ...WHY },
  "why.gateway": { what: "Gateway", ...WHY },
  "why.guild": { what: "Place", ...WHY },
  "why.intents": { what: "Intents", ...WHY },
  "why.permission": { what: "Permission", ...WHY },
  "why.retention": { what: "Retention", ...WHY },
  "why.instance": { what: "Another bot", ...WHY },
  "why.kind": { what: "Kind", ...WHY },
} as const satisfies Readonly<Record<string, Check>>;

/** Finds a check by the id of one of its findings; `undefined` if the list does not have it. */
export function checkOf(id: string): Check | undefined {
  const known: Readonly<Record<string, Check>> = CHECKS;
  const name = Object.hasOwn(known, id) ? id : id.replace(/:.*/s, "");
  return Object.hasOwn(known, name) ? known[name] : undefined;
}

/** Ids of the checks about one thing: `"network."`. */
export function idsBelow(beginning: string): readonly string[] {
  return Object.keys(CHECKS).filter((id) => id.startsWith(beginning));
}

/** The code of one check, or of several that need the same facts. */
export interface CheckCode<Facts, Found> {
  /** Ids of {@link CHECKS}; or, of a check that only `barnacle doctor` runs, its own. */
  readonly checks: readonly string[];
  readonly run: (facts: Facts) => Found;
}

/**
 * Runs a runner's checks in order, as {@link CHECKS} says where each runs. It begins one when the
 * caller asks for its result, so a caller that awaits each runs them one after the other.
 */
export function* runChecks<Facts, Found>(
  runner: CheckRunner,
  codes: readonly CheckCode<Facts, Found>[],
  facts: Facts,
): Generator<Found, void> {
  for (const { checks, run } of codes) {
    const runs = checks.flatMap((id) => checkOf(id)?.runs ?? DOCTOR.runs);
    if (runs.includes(runner)) yield run(facts);
  }
}

export function titled(id: keyof typeof CHECKS): Pick<Finding, "id" | "what"> {
  return { id, what: CHECKS[id].what };
}

/** A figure of health for people: `"connected"`, `"78.3 MB"`, `"3 ms"`, `"2 min ago"`. */
export function figureText(id: string, figure: string | number, unit: string | undefined): string {
  const { text } = checkOf(id) ?? {};
  if (typeof figure === "string") {
    if (typeof text !== "object") return figure;
    const [word = "", ...more] = figure.split("; "); // after the word, the next step may follow
    return Object.hasOwn(text, word) ? [text[word], ...more].join("; ") : figure;
  }
  if (typeof text === "function") return text(figure);
  switch (unit) {
    case "s":
      return spanText(figure * 1_000);
    case "ms":
      return spanText(figure);
    case "bytes":
      return sizeOf(figure);
    case undefined:
      return `${rounded(figure)}`;
    default:
      return countText(rounded(figure), unit.replace(/s$/, ""), unit);
  }
}

/** `"3 ms"`, `"1.5 s"`, `"2 min"`. */
function spanText(ms: number): string {
  if (ms < 1_000) return `${rounded(ms)} ms`;
  return ms < 10_000 ? `${Math.round(ms / 100) / 10} s` : durationText(ms);
}

function waitText(seconds: number): string {
  return seconds === 0 ? "nothing waits" : `waits for ${spanText(seconds * 1_000)}`;
}

/** Whole from 10 on; otherwise one decimal. */
function rounded(value: number): number {
  return value >= 10 ? Math.round(value) : Math.round(value * 10) / 10;
}

/** The parts of `barnacle doctor`, as `--only` names them. */
export const DOCTOR_PARTS = ["discord", "host", "mcp", "model"] as const;

export type DoctorPart = (typeof DOCTOR_PARTS)[number];
