/**
 * Plays the scenes of `barnacle demo --script` with a binary that this machine cannot start by
 * itself, such as one that needs an emulator:
 *
 * `deno run -A scripts/release/trial/scenes.ts /usr/bin/qemu-aarch64-static -L /usr/aarch64-linux-gnu
 * dist/barnacle-linux-arm64`. With `--short`, it plays those that CI plays.
 *
 * Discord, the model and the scenes run here, and each bot is a process of the command. So the demo
 * itself, as the binary's own command, is not part of it.
 */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { createProcessIo } from "../../../src/cli/terminal/io.ts";
import { playScript, SCENES } from "../../../src/extras/demo/scenes/play.ts";

/** Milliseconds for a scene; an emulated processor is slow. */
const PATIENCE_MS = 180_000;

/** Scenes for CI: a start and an answer, a crash, work of a tool, and a thread for documents. */
const SHORT = [
  "the bot answers a mention",
  "killed after the intent to send (T4), then restarted: one reply",
  "the bot sets a reminder, and posts it on time without asking the model again",
  "a person sends a document, and the model gets its text",
];

async function main(args: readonly string[]): Promise<void> {
  const isShort = args[0] === "--short";
  const [program, ...rest] = args.slice(isShort ? 1 : 0)
    .map((arg) => existsSync(arg) ? resolve(arg) : arg);
  if (program === undefined) throw new TypeError("Name the binary, with its emulator before it");
  const scenes = SCENES.filter(({ name }) => !isShort || SHORT.includes(name));
  if (isShort && scenes.length !== SHORT.length) {
    throw new TypeError("A scene has another name now");
  }
  process.exitCode = await playScript({
    command: { program, args: rest },
    scenes,
    json: false,
    timeoutMs: PATIENCE_MS,
  }, createProcessIo({ json: false }));
}

if (import.meta.main) await main(process.argv.slice(2));
