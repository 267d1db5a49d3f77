/** Threads for tools. The asker's rights are checked before a tool runs (`asker_rights.ts`). */

import { canStartThread } from "../../core/inbound/threads.ts";
import type { ThreadsPort } from "../../core/turn/ports/history.ts";
import type { AnswerThreads } from "../turn/answer_threads.ts";
import { threadTitle } from "../../render/name.ts";
import { badArguments } from "../../core/refused_call.ts";

export function createThreadsPort(
  { threads, cleanSecrets }: {
    readonly threads: Pick<AnswerThreads, "open">;
    readonly cleanSecrets: (text: string) => string;
  },
): ThreadsPort {
  return {
    async open(message, title) {
      if (!canStartThread(message)) {
        throw badArguments(
          "there are no threads here: the message is not in a channel of a server",
        );
      }
      const plain = cleanSecrets(threadTitle(title));
      if (plain === "") throw badArguments("the title has no letters");
      await threads.open(message, plain);
    },
  };
}
