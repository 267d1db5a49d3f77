/**
 * Plays the scenes of `barnacle demo --script` with a binary that this machine cannot start by
 * itself, such as one that needs an emulator:
 *
 * `deno run -A scripts/release/trial/scenes.ts /usr/bin/qemu-aarch64-static -L /usr/aarch64-linux-gnu
 * dist/barnacle-linux-arm64`.
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

async function main(args: readonly string[]): Promise<void> {
  const [program, ...rest] = args.map((arg) => existsSync(arg) ? resolve(arg) : arg);
  if (program === undefined) throw new TypeError("Name the binary, with its emulator before it");
  process.exitCode = await playScript({
    command: { program, args: rest },
    scenes: SCENES,
    json: false,
    timeoutMs: PATIENCE_MS,
  }, createProcessIo({ json: false }));
}

if (import.meta.main) await main(process.argv.slice(2));
