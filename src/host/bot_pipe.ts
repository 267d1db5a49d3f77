/**
 * Describes the named pipe on which a bot takes requests of commands on Windows.
 *
 * Every user sees the names of pipes, and can listen on the same name. So the name is a random one of each
 * start, and the bot's greeting has a secret. Both are in a file of the data directory, whose access list
 * keeps other users out. By default, Windows lets only the bot's own user and administrators write to
 * its pipe.
 */

import { randomBytes } from "node:crypto";
import { z } from "zod";
import { readBounded } from "./files/read_bounded.ts";

const pipeSchema = z.object({
  path: z.string().regex(/^\\\\\.\\pipe\\barnacle-[0-9a-f]{32}$/),
  secret: z.string().regex(/^[0-9a-f]{32}$/),
});

export interface BotPipe {
  /** The bot's pipe, on this machine only. */
  readonly path: string;
  readonly secret: string;
}

const BYTES = 16;

/** Bound of the file, which has some hundred bytes. */
const BOUND = { maxBytes: 4_096 };

/** Makes a new name and secret. */
export function createBotPipe(): BotPipe {
  const random = () => randomBytes(BYTES).toString("hex");
  return { path: `\\\\.\\pipe\\barnacle-${random()}`, secret: random() };
}

/**
 * Reads the file that a bot has written.
 *
 * @returns `undefined` if there is none, if it is being written, or if it names another machine.
 */
export function readBotPipe(file: string): BotPipe | undefined {
  try {
    return pipeSchema.safeParse(JSON.parse(readBounded(file, BOUND))).data;
  } catch {
    return undefined;
  }
}
