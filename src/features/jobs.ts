/**
 * The list of jobs of features, apart from `features.ts`: a thread of a job has a program of its own,
 * which would otherwise hold the whole bot.
 */

import type { MessagePort } from "node:worker_threads";

export const JOBS: {
  readonly [kind: string]: () => Promise<(job: unknown, port: MessagePort) => unknown>;
} = { voice: async () => (await import("./voice/thread.ts")).runVoiceJob };
