/**
 * Bench: the source files and functions that the main thread enters for one message.
 *
 * The bot runs from its source on Deno, under the inspector of V8, whose precise coverage counts the
 * calls of each function. Earlier messages load and warm everything that the measured ones need.
 */

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "../../tests/support/network/free_port.ts";
import { type Contender, openStand } from "../stand/stand.ts";
import type { Readings } from "../stand/stats.ts";

/** The project, with a slash at its end. */
const ROOT = process.env["BENCH_SOURCE"] ?? fileURLToPath(new URL("../../", import.meta.url));
const WARM_UP = 20;
/** Milliseconds for work that follows a start, such as the search for the config's names. */
const START_MS = 2_500;
/** Milliseconds for work that follows a message, such as commits and records. */
const REST_MS = 500;

/** What the inspector tells of one script since it was last asked. */
interface ScriptCoverage {
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly { readonly count: number }[] }[];
}

export async function benchJourney(contender: Contender): Promise<Readings> {
  const port = await freePort();
  const stand = openStand({
    ...contender,
    command: {
      program: process.execPath,
      args: ["run", "-A", "--no-check", `--inspect=127.0.0.1:${port}`, `${ROOT}src/main.ts`],
    },
  });
  const asked = async () => {
    stand.forget();
    stand.ask("general");
    await stand.posts(1);
  };
  const ignored = () => Promise.resolve(stand.chat("general", 0));
  try {
    await stand.start("two");
    const inspector = await connect(port);
    try {
      await sleep(START_MS);
      const mention = await journeyOf(inspector, asked);
      const ignoredOne = await journeyOf(inspector, ignored);
      return {
        mentionFiles: mention.files,
        mentionFunctions: mention.functions,
        ignoredFiles: ignoredOne.files,
        ignoredFunctions: ignoredOne.functions,
      };
    } finally {
      inspector.close();
    }
  } finally {
    await stand.close();
  }
}

/** Counts for one message of a kind, after others of it. */
async function journeyOf({ take }: Inspector, send: () => Promise<void>) {
  for (let number = 0; number < WARM_UP; number++) await send();
  await sleep(REST_MS);
  await take();
  await send();
  await sleep(REST_MS);
  const called = (await take()).filter(({ url }) => url.startsWith(`file://${ROOT}src/`))
    .map(({ functions }) => functions.filter(({ ranges: [whole] }) => whole && whole.count > 0))
    .filter((functions) => functions.length > 0);
  return { files: called.length, functions: called.flat().length };
}

interface Inspector {
  /** Functions that have been called since the last time. */
  take(): Promise<readonly ScriptCoverage[]>;
  close(): void;
}

/** Connects to the inspector of a process, and begins to count. */
async function connect(port: number): Promise<Inspector> {
  const targets = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json();
  const socket = new WebSocket(String(targets[0].webSocketDebuggerUrl));
  const waiting = new Map<number, (result: { result: readonly ScriptCoverage[] }) => void>();
  socket.addEventListener("message", ({ data }) => {
    const { id, result } = JSON.parse(String(data));
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", reject);
  });
  let last = 0;
  const send = (method: string, params: object = {}) =>
    new Promise<{ result: readonly ScriptCoverage[] }>((resolve) => {
      waiting.set(++last, resolve);
      socket.send(JSON.stringify({ id: last, method, params }));
    });
  await send("Profiler.enable");
  await send("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  return {
    take: async () => (await send("Profiler.takePreciseCoverage")).result,
    close: () => socket.close(),
  };
}
