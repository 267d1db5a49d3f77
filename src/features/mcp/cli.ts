/**
 * `barnacle mcp`: lists MCP servers with their logins, signs in to one, and deletes a login (T13).
 */

import { withData } from "../../cli/shared/with_store.ts";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { loginsIn, seenIn, serversOf } from "../../bot/mcp/ports.ts";
import {
  beginLogin,
  LOGIN_ENDED,
  type McpState,
  mcpStates,
  signInServer,
  stateText,
} from "../../mcp/sign_in.ts";
import { listenForCallback, pastedUrl } from "../../host/sign_in_callback.ts";
import { codeOf } from "../../lib/errors.ts";
import { printable } from "../../lib/text/quoted.ts";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { readConfig, readConfigLeniently, tellRefused } from "../../cli/shared/read_config.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { configBefore, dataProblem } from "../../cli/shared/find_data.ts";
import { inColumns, printList } from "../../cli/shared/columns.ts";

export interface LoginFlags extends CommonFlags {
  /** Whether the operator pastes the browser's last address. */
  readonly paste: boolean;
}

/** Milliseconds to wait for the browser. */
const WAIT_MS = 10 * 60_000;

/** Longest address that is read, in UTF-16 units. */
const MAX_LINE = 16_384;

export async function login(
  flags: LoginFlags,
  id: string,
  io: Io,
  stdin: Readable = process.stdin,
): Promise<ExitCode> {
  const loaded = await readConfig(await configBefore(flags, io), io.env);
  if (tellRefused(loaded, io)) return EXIT.config;
  const found = signInServer(serversOf(loaded.config), id);
  if (found.kind === "problem") {
    io.problem(found.problem);
    return EXIT.usage;
  }
  const { server } = found;
  return await withDataDir(flags, io, async (dataDir) => {
    const port = server.oauth?.callbackPort;
    const callback = flags.paste ? undefined : await listen(port ?? 0);
    try {
      const url = callback?.url ?? pastedUrl(port, loaded.config.http.publicUrl);
      const pending = await io.during(
        "Asking the server",
        attempt(beginLogin(id, server, url, loginsIn(dataDir))),
      );
      io.err("Open this address in a browser, and allow the access:");
      io.out(printable(pending.address));
      const answer = callback
        ? await io.during("Waiting for the browser", callback.wait(pending.isOurs, WAIT_MS))
        : await pasted(pending, url, io, stdin);
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

export function logout(flags: CommonFlags, id: string, io: Io): Promise<ExitCode> {
  return withDataDir(flags, io, (dataDir) => {
    const isDeleted = loginsIn(dataDir).remove(id);
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
  pending: Awaited<ReturnType<typeof beginLogin>>,
  url: string,
  io: Io,
  stdin: Readable,
): Promise<URLSearchParams> {
  io.err("The browser ends at a page that shows an error. Paste the address of that page here:");
  const lines = createInterface({ input: stdin, terminal: false });
  try {
    for await (const line of lines) {
      const written = line.trim().slice(0, MAX_LINE);
      if (written === "") continue;
      const answer = URL.canParse(written) ? new URL(written).searchParams : undefined;
      if (answer && pending.isOurs(answer)) return answer;
      io.err(
        `This is not the address of this sign-in. Copy the whole address that starts with ${url}, ` +
          "and paste it here:",
      );
    }
  } finally {
    lines.close();
  }
  throw new StartError("stdin ended before the address", EXIT.failed);
}

/** Runs the work with the data directory. It may be empty: a first start needs logins too. */
function withDataDir(
  flags: CommonFlags,
  io: Io,
  work: (dataDir: string) => Promise<ExitCode>,
): Promise<ExitCode> {
  return withData(flags, io, (place) => {
    if (place.state === "hidden" || place.state === "foreign") throw dataProblem(place);
    return work(place.dataDir);
  });
}

const HASH_CHARS = 12;

export async function list(flags: CommonFlags, io: Io): Promise<ExitCode> {
  const loaded = await readConfigLeniently(await configBefore(flags, io), io.env);
  if (tellRefused(loaded, io)) return EXIT.config;
  return await withDataDir(flags, io, (dataDir) => {
    const states = mcpStates(serversOf(loaded.config), loginsIn(dataDir), seenIn(dataDir));
    const linesOf = () => inColumns(states.map((state) => rowOf(state, Date.now())));
    return Promise.resolve(printList(states, "The config has no MCP servers.", flags, io, linesOf));
  });
}

function rowOf(state: McpState, now: number): readonly string[] {
  const { id, at, tools, hash = "" } = state;
  const seen = tools === undefined ? "not seen yet" : `${tools} tools ${hash.slice(0, HASH_CHARS)}`;
  return [id, at, loginText(state, now), seen];
}

export function loginText(state: Omit<McpState, "at">, now: number): string {
  const text = stateText(state, now);
  return text === LOGIN_ENDED ? `${text}: barnacle mcp login ${state.id}` : text;
}
