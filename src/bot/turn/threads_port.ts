/**
 * Threads for tools, with the rights of the asker (T4).
 *
 * @module
 */

import { canStartThread } from "../../core/inbound/threads.ts";
import type { ThreadsPort } from "../../core/turn/ports/threads.ts";
import type { MissingForThread } from "../../discord/rest/permissions/readable.ts";
import type { AnswerThreads } from "../../flows/turn/answer_threads.ts";
import { threadTitle } from "../../render/thread_title.ts";

/** The sources of the port. */
export interface ThreadsPortOptions {
  /** The permission that a user lacks for opening a thread in a channel. */
  readonly missingForThread: MissingForThread;
  /** The threads of the account's answers. */
  readonly threads: Pick<AnswerThreads, "open">;
  /** Removes secrets of the config. */
  readonly cleanSecrets: (text: string) => string;
}

/** Creates the port. */
export function createThreadsPort(
  { missingForThread, threads, cleanSecrets }: ThreadsPortOptions,
): ThreadsPort {
  return {
    async open(message, title) {
      if (!canStartThread(message)) {
        throw new Error("there are no threads here: the message is not in a channel of a server");
      }
      const { channelId, guildId, sender } = message;
      const asker = { channelId, userId: sender.id, ...(guildId !== undefined && { guildId }) };
      const missing = await missingForThread(asker);
      if (missing) throw new Error(`the asker may not open threads here: ${missing} is missing`);
      const plain = cleanSecrets(threadTitle(title));
      if (plain === "") throw new Error("the title has no letters");
      await threads.open(message, plain);
    },
  };
}
