/** Runs the demo as a visitor starts it: a process, and the address that it prints. */

import assert from "node:assert/strict";
import process from "node:process";
import { type Exit, startOwnProcess } from "../../../src/host/process/own_process.ts";
import { commandUnderTest } from "../../support/bot/e2e.ts";

export interface DemoProcess extends AsyncDisposable {
  /** `"http://127.0.0.1:8787/"` */
  readonly page: string;
  /** Its temporary directory. */
  readonly data: string;
  /** Ends it, as Ctrl-C does. */
  end(): Promise<Exit>;
}

/**
 * Starts a demo.
 *
 * @param args Arguments beside `demo --json`.
 */
export async function startDemo(args: readonly string[] = ["--port", "0"]): Promise<DemoProcess> {
  const lines: string[] = [];
  const { promise: said, resolve: say } = Promise.withResolvers<string>();
  const { exited, kill } = startOwnProcess(
    commandUnderTest(),
    ["demo", "--json", ...args],
    surroundings(),
    (line) => {
      lines.push(line);
      if (line.startsWith('{"page"')) say(line);
    },
  );
  const first = await Promise.race([said, exited.then(() => undefined)]);
  assert.ok(first, `the demo ended: ${lines.join("\n")}`);
  const { page, data } = JSON.parse(first);
  const end = () => {
    kill("SIGINT");
    return exited;
  };
  return { page, data, end, [Symbol.asyncDispose]: async () => void await end() };
}

/** The events that a page of the demo receives, from its opening on. */
export async function* eventsOf(page: string, signal: AbortSignal): AsyncGenerator<unknown, void> {
  const response = await fetch(`${page}events`, { signal });
  let read = "";
  for await (const more of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    read += more;
    for (let end = read.indexOf("\n\n"); end >= 0; end = read.indexOf("\n\n")) {
      yield JSON.parse(/^data: (.*)$/m.exec(read.slice(0, end))?.[1] ?? "");
      read = read.slice(end + 2);
    }
  }
}

/** Removes API keys of the person who runs the tests. */
export function surroundings() {
  const { PATH, HOME, DENO_DIR, TMPDIR } = process.env;
  return { PATH, HOME, DENO_DIR, TMPDIR };
}
