/** Answers the requests of other processes to the partitions of this one: programs and commands (O16). */

import { z } from "zod";
import type { Bot } from "../../bot.ts";
import type { ForwardedRequest } from "../../http/api/app.ts";
import { partsOf } from "./forwarding.ts";
import { createCallHandler } from "../shared/store_calls.ts";
import { readPart } from "../../store/shared/part_reads.ts";
import type { PartStore } from "../../store/shared/joined_store.ts";
import type { AnswerAsk } from "./answerer.ts";

const questionSchema = z.discriminatedUnion("do", [
  z.object({
    do: z.literal("program"),
    request: z.object({
      program: z.string(),
      method: z.string(),
      path: z.string(),
      headers: z.record(z.string(), z.string()),
      body: z.unknown().optional(),
    }),
  }),
  z.object({ do: z.literal("command"), text: z.string() }),
  z.object({ do: z.literal("read"), name: z.string(), args: z.array(z.unknown()) }),
]);

/** Creates the answers. */
export function createAnswers(
  { api, bot, parts, onWrite }: {
    /** Answers programs here. */
    readonly api: {
      forwarded(request: ForwardedRequest, signal: AbortSignal): Promise<Response>;
      callHere(args: unknown): Promise<unknown>;
    };
    readonly bot: Pick<Bot, "changedByCommand">;
    /** The partitions that this process owns. */
    readonly parts: () => readonly PartStore[];
    /** Called before a command changes the store. */
    readonly onWrite: () => void;
  },
): AnswerAsk {
  return async function* (index, text, signal) {
    const question = questionSchema.safeParse(JSON.parse(text)).data;
    if (!question) throw new Error("The processes of this bot are of different versions");
    const part = parts().find(({ partition }) => partition.index === index);
    if (!part) throw new Error("This process has given the partition up");
    switch (question.do) {
      case "program":
        return yield* partsOf(await api.forwarded(question.request, signal));
      case "read":
        return yield await readPart(part.store, question.name, question.args);
      case "command": {
        const own = { "api.call": api.callHere };
        const answer = createCallHandler(part.store, bot.changedByCommand, own, onWrite);
        return yield await answer({ text: question.text, files: [] });
      }
    }
  };
}
