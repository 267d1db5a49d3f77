/**
 * Describes the process that holds a lock, as it tells other processes.
 *
 * The process id alone may belong to another process after a reboot. The boot and the start within
 * it tell the two apart.
 *
 * @module
 */

import { z } from "zod";

/** The holder's description of itself. */
export interface Holder {
  /** Process id. */
  readonly pid: number;
  /** Unix time in milliseconds at which it took the lock. */
  readonly startedAt: number;
  /** Id of the kernel's boot; absent if unknown. */
  readonly bootId?: string | undefined;
  /** When the process began in that boot, in the kernel's ticks; absent if unknown. */
  readonly startTicks?: number | undefined;
  /** Absolute path of its data directory; absent if it tells none. */
  readonly dataDir?: string | undefined;
}

/** Reads a description that another process has written. */
export const holderSchema = z.object({
  pid: z.int().positive(),
  startedAt: z.number(),
  bootId: z.string().optional(),
  startTicks: z.int().optional(),
  dataDir: z.string().optional(),
});
