/**
 * The command line: names, flags and help of every command.
 *
 * A command's own code is loaded when it is called, so that `version` does not
 * pay for the bot.
 *
 * @module
 */

import {
  buildApplication,
  buildCommand,
  buildRouteMap,
  run as runApplication,
  type StricliProcess,
} from "@stricli/core";
import process from "node:process";
import { noProxyOf } from "../lib/network/proxy.ts";
import { VERSION } from "../version.ts";
import type { DemoFlags } from "./demo/demo.ts";
import type { DoctorFlags } from "./diagnose/doctor.ts";
import { access, pairing, why } from "./access/commands.ts";
import { ACCOUNT, COMMON, end, flag, NOT_USED, path, showsColours } from "./shared/command.ts";
import { config } from "./config/commands.ts";
import { outbox, send } from "./delivery/commands.ts";
import { EXIT } from "./shared/exit_code.ts";
import type { CommonFlags } from "./shared/flags.ts";
import { holdHangups } from "./run/hangup.ts";
import { processIo } from "./shared/io.ts";
import type { InviteFlags } from "./diagnose/invite.ts";
import type { RunFlags } from "./run/run.ts";

const run = buildCommand({
  docs: {
    brief: "Connect to Discord and answer",
    fullDescription: "Connect to Discord and answer.\n\nExample: DISCORD_BOT_TOKEN=… barnacle run",
  },
  parameters: {
    flags: {
      ...COMMON,
      json: flag("Log as JSON, on a terminal too"),
      connectionDebug: flag("Log all that happens on the gateway, without content"),
      force: flag("End another Barnacle that is in the way, and take its place"),
      insecurePermissions: flag("Start although others may write the config file"),
    },
  },
  async func(flags: RunFlags) {
    const hangups = holdHangups(); // before the rest is loaded
    const { runBot } = await import("./run/run.ts");
    await end(this, runBot(flags, processIo(), hangups));
  },
});

const demo = buildCommand({
  docs: {
    brief: "Try the whole bot on a Discord of our own: no token, no key, no network",
    fullDescription:
      "Try the whole bot on a simulated Discord, with a page to chat in as several people.\n\n" +
      "Example: barnacle demo --port 8787",
  },
  parameters: {
    flags: {
      config: path("A config of your own, to be tried on the simulated Discord"),
      data: path("Taken by every command; a demo's data are gone at its end"),
      json: flag("Print the page's address, or how the scenes went, as JSON"),
      port: {
        kind: "parsed",
        parse: toPort,
        brief: "Port of the page; the next free one if it is taken",
        default: "8787",
      },
      script: flag("Play the scenes without a page, and exit 0 if all of them went well"),
    },
  },
  async func(flags: DemoFlags & Pick<CommonFlags, "data">) {
    const { demo } = await import("./demo/demo.ts");
    await end(this, demo(flags, processIo()));
  },
});

const status = buildCommand({
  docs: {
    brief: "What the running bot knows of itself",
    fullDescription: "What the running bot knows of itself.\n\n" +
      "It ends with 0, 1 (a check fails) or 75 (no bot answers).\n\n" +
      "Example: barnacle status --json",
  },
  parameters: { flags: COMMON },
  async func(flags: CommonFlags) {
    const { status } = await import("./diagnose/status.ts");
    await end(this, status(flags, processIo()));
  },
});

const doctor = buildCommand({
  docs: {
    brief: "Find what keeps the bot from Discord, and say what to do about it",
    fullDescription: "Find what keeps the bot from Discord, and say what to do about it.\n\n" +
      "It can be run while the bot works, and ends with 0 (all is well), 3 (warnings only),\n" +
      "1 (something is wrong), 77 (Discord refuses the token) or 78 (the config).\n\n" +
      "Example: barnacle doctor --only discord --fix",
  },
  parameters: {
    flags: {
      ...COMMON,
      only: {
        kind: "enum",
        values: ["discord", "host"],
        variadic: ",",
        brief: "One part only: discord (the way there, token, intents) or host (disk, store, bot)",
        optional: true,
      },
      fix: flag("Switch on missing intents in Discord's portal, after a yes"),
      yes: flag("With --fix: do not ask first"),
    },
  },
  async func(flags: DoctorFlags) {
    const [{ doctor }, { confirmOnTerminal }] = await Promise.all([
      import("./diagnose/doctor.ts"),
      import("./shared/confirm.ts"),
    ]);
    const confirm = confirmOnTerminal();
    const ports = { isColoured: showsColours(), ...(confirm && { confirm }) };
    await end(this, doctor(flags, processIo(), ports));
  },
});

const netcheck = buildCommand({
  docs: {
    brief: "Walk to Discord step by step: names, TCP, TLS, HTTP, WebSocket",
    fullDescription: "Walk to Discord step by step: names, TCP, TLS, HTTP, WebSocket.\n\n" +
      "It asks for no token, and ends with 0, 3 (warnings only) or 1 (something is wrong).\n\n" +
      "Example: barnacle netcheck --json",
  },
  parameters: { flags: { ...COMMON, config: path(NOT_USED), data: path(NOT_USED) } },
  async func(flags: CommonFlags) {
    const { netcheck } = await import("./diagnose/netcheck.ts");
    await end(this, netcheck(flags, processIo(), showsColours()));
  },
});

const invite = buildCommand({
  docs: {
    brief: "Print the link that invites the bot, with the least that it needs",
    fullDescription: "Print the link that invites the bot, with the least that it needs.\n\n" +
      "The link alone goes to stdout; what it asks for, and why, to stderr.\n\n" +
      "Example: barnacle invite",
  },
  parameters: { flags: { ...COMMON, data: path(NOT_USED), account: ACCOUNT } },
  async func(flags: InviteFlags) {
    const { invite } = await import("./diagnose/invite.ts");
    await end(this, invite(flags, processIo()));
  },
});

const version = buildCommand({
  docs: {
    brief: "Which version this is, and what it runs on",
    fullDescription:
      "Which version this is, and what it runs on.\n\nExample: barnacle version --json",
  },
  parameters: { flags: { ...COMMON, config: path(NOT_USED), data: path(NOT_USED) } },
  async func(flags: CommonFlags) {
    const { version } = await import("./diagnose/version.ts");
    await end(this, version(flags, processIo()));
  },
});

const application = buildApplication(
  buildRouteMap({
    docs: { brief: "Barnacle: an AI agent that lives in Discord" },
    routes: {
      run,
      demo,
      status,
      why,
      access,
      pairing,
      send,
      outbox,
      doctor,
      netcheck,
      invite,
      config,
      version,
    },
  }),
  {
    name: "barnacle",
    versionInfo: { currentVersion: VERSION },
    scanner: { caseStyle: "allow-kebab-for-camel" },
    documentation: {
      useAliasInUsageLine: true,
      disableAnsiColor: !isColoured(process),
    },
    determineExitCode: () => EXIT.failed,
  },
);

/** The library asks how many colours there are, which Deno answers without a terminal, too. */
function isColoured({ stdout, stderr, env }: typeof process): boolean {
  return stdout.isTTY === true && stderr.isTTY === true && !env["NO_COLOR"];
}

/** Runs the command that the arguments name, and ends the process. */
export async function main(): Promise<void> {
  const { stdout, stderr, env } = process;
  // What is for this machine goes to no proxy: not the token of a simulator, nor a local model.
  env["NO_PROXY"] = env["no_proxy"] = noProxyOf(env);
  const streams: StricliProcess = { stdout, stderr, env };
  // Whoever read a pipe may be gone: that ends no bot, and no demo before it has cleaned up.
  for (const stream of [stdout, stderr]) stream.on("error", () => {});
  await runApplication(application, argumentsOf(process.argv), { process: streams });
  const code = Number(streams.exitCode ?? EXIT.done);
  await Promise.all([drained(stdout), drained(stderr)]);
  process.exit(code < 0 || code > 250 ? EXIT.usage : code); // the library's codes for bad usage
}

/** What is written to a pipe may still be on its way, and `exit` would cut it off. */
function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.once("error", () => resolve()); // nobody reads any more
    stream.end(() => resolve());
  });
}

/**
 * The arguments without the program. `deno task demo -- --script` hands on the
 * `--` as well, which no command here has a meaning for.
 */
function argumentsOf([, , command, ...rest]: readonly string[]): readonly string[] {
  const own = rest[0] === "--" ? rest.slice(1) : rest;
  return command === undefined ? [] : [command, ...own];
}

function toPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new RangeError(`"${text}" is no port: it takes a whole number from 0 to 65535`);
}
