/**
 * `barnacle mcp`: lists MCP servers with their logins, signs in to one, and deletes a login (T13).
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import {
  beginLogin,
  endLogin,
  type McpState,
  mcpStates,
  type PendingLogin,
  signInServer,
} from "../../bot/mcp/logins.ts";
import { listenForCallback, pastedUrl } from "../../host/sign_in_callback.ts";
import { codeOf } from "../../lib/errors.ts";
import { printable } from "../../lib/text/quoted.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { CommonFlags } from "../shared/command.ts";
import { readConfig, readConfigLeniently, shown } from "../shared/read_config.ts";
import { StartError, toStartError } from "../shared/start_error.ts";
import type { Io } from "../terminal/io.ts";
import { dataProblem, findData } from "../shared/find_data.ts";
import { inColumns } from "../shared/columns.ts";
import { timeText } from "../../lib/text/units.ts";

/** Options of `mcp login`. */
export interface LoginFlags extends CommonFlags {
  /** Whether the operator pastes the browser's last address. */
  readonly paste: boolean;
}

/** Milliseconds to wait for the browser. */
const WAIT_MS = 10 * 60_000;

/** Longest address that is read, in UTF-16 units. */
const MAX_LINE = 16_384;

/** Signs in to a server. */
export async function login(
  flags: LoginFlags,
  id: string,
  io: Io,
  stdin: Readable = process.stdin,
): Promise<ExitCode> {
  const loaded = await readConfig(flags.config, io.env);
  if (loaded.kind === "refused") {
    io.err(shown(loaded.problems, io));
    return EXIT.config;
  }
  const found = signInServer(loaded.config, id);
  if (found.kind === "problem") {
    io.problem(found.problem);
    return EXIT.usage;
  }
  const { server } = found;
  return await withDataDir(flags, io, async (dataDir) => {
    const port = server.oauth?.callbackPort;
    const callback = flags.paste ? undefined : await listen(port ?? 0);
    try {
      const url = callback?.url ?? pastedUrl(port);
      const pending = await io.during(
        "Asking the server",
        attempt(beginLogin(id, server, url, dataDir)),
      );
      io.err("Open this address in a browser, and allow the access:");
      io.out(printable(pending.address));
      const answer = callback
        ? await io.during("Waiting for the browser", callback.wait(pending.isOurs, WAIT_MS))
        : await pasted(pending, io, stdin);
      if (!answer) throw new StartError("no answer of a browser within ten minutes", EXIT.failed);
      const { expiresAt, tokens } = await io.during(
        "Getting the token",
        attempt(pending.finish(answer)),
      );
      const state = loginText({
        id,
        login: "valid",
        isRenewed: tokens?.refresh_token !== undefined,
        until: expiresAt,
      }, Date.now());
      if (flags.json) io.out(JSON.stringify({ server: id, state }));
      else io.err(`${id}: ${state}`);
      return EXIT.done;
    } finally {
      callback?.close();
    }
  });
}

/** Deletes a login. */
export function logout(flags: CommonFlags, id: string, io: Io): Promise<ExitCode> {
  return withDataDir(flags, io, (dataDir) => {
    const isDeleted = endLogin(id, dataDir);
    if (flags.json) io.out(JSON.stringify({ deleted: isDeleted }));
    else if (isDeleted) io.err(`${printable(id)}: logged out`);
    else io.problem(`there is no login to "${printable(id)}"; \`barnacle mcp list\` shows them`);
    return Promise.resolve(isDeleted ? EXIT.done : EXIT.failed);
  });
}

async function listen(port: number) {
  try {
    return await listenForCallback(port);
  } catch (error) {
    const code = codeOf(error) ?? "unknown reason";
    throw new StartError(`cannot listen on port ${port} of this machine (${code})`, EXIT.failed);
  }
}

/** A failed sign-in ends the command with words, and not with a stack. */
async function attempt<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new StartError(printable(words), EXIT.failed);
  }
}

/** Reads addresses until one belongs to the sign-in. */
async function pasted(
  pending: PendingLogin,
  io: Io,
  stdin: Readable,
): Promise<URLSearchParams> {
  io.err("The browser ends at an address that it cannot open. Paste that address here:");
  const lines = createInterface({ input: stdin, terminal: false });
  try {
    for await (const line of lines) {
      const written = line.trim().slice(0, MAX_LINE);
      if (written === "") continue;
      const answer = URL.canParse(written) ? new URL(written).searchParams : undefined;
      if (answer && pending.isOurs(answer)) return answer;
      io.err(
        "This is not the address of this sign-in. Copy the whole address that starts with " +
          "http://127.0.0.1, and paste it here:",
      );
    }
  } finally {
    lines.close();
  }
  throw new StartError("stdin ended before the address", EXIT.failed);
}

/** Runs the work with the data directory. It may be empty: a first start needs logins too. */
async function withDataDir(
  { data }: Pick<CommonFlags, "data">,
  io: Io,
  work: (dataDir: string) => Promise<ExitCode>,
): Promise<ExitCode> {
  try {
    const place = await findData(data, io);
    if (place.note !== undefined) io.err(place.note);
    if (place.state === "hidden" || place.state === "foreign") throw dataProblem(place);
    return await work(place.dataDir);
  } catch (error) {
    const { message, code } = toStartError(error);
    io.problem(message);
    return code;
  }
}

const HASH_CHARS = 12;

/** Lists the servers. */
export async function list(flags: CommonFlags, io: Io): Promise<ExitCode> {
  const loaded = await readConfigLeniently(flags.config, io.env);
  if (loaded.kind === "refused") {
    io.err(shown(loaded.problems, io));
    return EXIT.config;
  }
  return await withDataDir(flags, io, (dataDir) => {
    const states = mcpStates(loaded.config, dataDir);
    if (flags.json) io.out(JSON.stringify(states));
    else if (states.length === 0) io.err("The config has no MCP servers.");
    else {for (const line of inColumns(states.map((state) => rowOf(state, Date.now())))) {
        io.out(line);
      }}
    return Promise.resolve(EXIT.done);
  });
}

function rowOf(state: McpState, now: number): readonly string[] {
  const { id, at, tools, hash = "" } = state;
  const seen = tools === undefined ? "not seen yet" : `${tools} tools ${hash.slice(0, HASH_CHARS)}`;
  return [id, at, loginText(state, now), seen];
}

/**
 * The state of a login in words.
 *
 * @param now Unix time in milliseconds.
 */
export function loginText(
  { id, login, until, isRenewed }: Pick<McpState, "id" | "login" | "until" | "isRenewed">,
  now: number,
): string {
  switch (login) {
    case "program":
      return "a program";
    case "token":
      return "token of the config";
    case "none":
      return "no login";
    case "ended":
      return `login ended: barnacle mcp login ${id}`;
    case "valid":
      if (isRenewed) return "logged in, renewed by itself";
      if (until === undefined) return "logged in";
      return until > now
        ? `logged in until ${timeText(until)}`
        : `login ended ${timeText(until)}: barnacle mcp login ${id}`;
  }
}
