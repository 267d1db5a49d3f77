/** Actions on polls, behind the gate `polls`. */

import { z } from "zod";
import { listOrEmpty, optional, snowflakeSchema } from "../../../core/discord/lenient.ts";
import type { ChannelPlace } from "../../../flows/actions/place.ts";
import {
  type Action,
  AT,
  defineAction,
  FIELDS,
  inChannel,
  postMessage,
  readResponse,
  sentLine,
} from "./action.ts";
import { badArguments } from "../../../core/turn/tool.ts";

const { channelId, text } = FIELDS;

const pollSchema = z.lazy(() =>
  z.object({
    author: z.object({ id: snowflakeSchema<"user">() }),
    poll: z.object({
      question: z.object({ text: optional(z.string()) }),
      answers: listOrEmpty(
        z.object({ answer_id: z.number(), poll_media: z.object({ text: optional(z.string()) }) }),
      ),
      expiry: optional(z.string()),
      results: optional(z.object({
        is_finalized: z.boolean(),
        answer_counts: z.array(z.object({ id: z.number(), count: z.number() })),
      })),
    }).nullish(),
  })
);

export const POLL_ACTIONS: readonly Action[] = [
  defineAction({
    name: "poll",
    gate: "polls",
    rights: "Send Messages, Create Polls",
    isIdempotent: false,
    seenAt: "channel",
    input: () =>
      z.strictObject({
        channelId: channelId.optional(),
        question: z.string().min(1).max(300),
        answers: z.array(z.string().min(1).max(55)).min(1).max(10),
        multiselect: z.boolean().optional(),
        hours: z.int().min(1).max(768).optional(),
        text: text.optional(),
      }),
    run: inChannel(
      ["Send Messages", "Create Polls"],
      async (place, { question, answers, multiselect = false, hours = 24, text }) => {
        const { id: channelId } = place.channel;
        const { guildId } = place.guild ?? {};
        const id = await postMessage(place, channelId, {
          ...(text !== undefined && { content: place.text(text) }),
          poll: {
            question: { text: place.clean(question) },
            answers: answers.map((text) => ({ pollMedia: { text: place.clean(text) } })),
            allowMultiselect: multiselect,
            duration: hours,
          },
        });
        return sentLine({ channelId, guildId, messageIds: [id] });
      },
    ),
  }),
  defineAction({
    name: "pollResults",
    gate: "polls",
    rights: "Read Message History",
    isIdempotent: true,
    seenAt: "nowhere",
    input: () => z.strictObject(AT),
    run: inChannel(
      ["Read Message History"],
      async (place, { messageId }) => JSON.stringify(resultsOf(await pollAt(place, messageId))),
    ),
  }),
  defineAction({
    name: "pollEnd",
    summary: "the asker's own only",
    gate: "polls",
    rights: "Send Messages, Create Polls; only polls that the bot made for the asker",
    isIdempotent: true,
    seenAt: "channel",
    undo: "no",
    input: () => z.strictObject({ ...AT, dryRun: FIELDS.dryRun.optional() }),
    run: inChannel(
      ["Send Messages", "Create Polls"],
      async (place, { messageId, dryRun = false }) => {
        const { author } = await pollAt(place, messageId);
        if (author.id !== place.self) throw badArguments("you can end only your own polls");
        await place.assertMay([{ kind: "posted_for", userId: await place.postedFor(messageId) }]);
        const path = `/channels/${place.channel.id}/polls/${messageId}/expire`;
        const what = `end the poll ${messageId}`;
        return await place.change({ what, dryRun, asks: true }, async () => {
          const ended = readResponse(pollSchema, await place.request("POST", path));
          return JSON.stringify({ ended: true, ...resultsOf(ended) });
        });
      },
    ),
  }),
];

async function pollAt({ request, channel }: ChannelPlace, messageId: string) {
  const raw = await request("GET", `/channels/${channel.id}/messages/${messageId}`);
  const found = readResponse(pollSchema, raw);
  if (!found.poll) throw badArguments("that message is no poll");
  return found;
}

function resultsOf({ poll }: z.infer<typeof pollSchema>): object {
  const counts = new Map(poll?.results?.answer_counts.map(({ id, count }) => [id, count]));
  return {
    question: poll?.question.text ?? "",
    isOver: poll?.results?.is_finalized ?? false,
    endsAt: poll?.expiry ?? undefined,
    answers: poll?.answers.map(({ answer_id: id, poll_media: { text } }) => ({
      text: text ?? "",
      votes: counts.get(id) ?? 0,
    })),
  };
}
