/**
 * `barnacle mcp login` and `logout`: signs in to an MCP server, and deletes the login (T13).
 *
 * @module
 */

import { createInterface } from "node:readline";
import process from "node:process";
import type { Readable } from "node:stream";
import { beginLogin, endLogin, type PendingLogin, signInServer } from "../../bot/mcp/logins.ts";
import { listenForCallback, pastedUrl } from "../../host/sign_in_callback.ts";
import { codeOf } from "../../lib/errors.ts";
import { printable } from "../../lib/text/quoted.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { CommonFlags } from "../shared/flags.ts";
import { readConfig, shown } from "../shared/read_config.ts";
import { StartError } from "../shared/start_error.ts";
import type { Io } from "../terminal/io.ts";
import { withDataDir } from "./data.ts";
import { loginText } from "./list.ts";

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
