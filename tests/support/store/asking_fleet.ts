/** Two processes that ask each other over a real PostgreSQL. */

import assert from "node:assert/strict";
import type { AnswerAsk } from "../../../src/cli/asking/answerer.ts";
import { createAsking } from "../../../src/cli/asking/asking.ts";
import { schedule } from "../../../src/lib/clock.ts";
import { createRemote } from "../../../src/store/replica/remote.ts";
import { recordingLog } from "../recording_log.ts";

/** The process that asks. */
export const HERE = "host:/here";
/** The one that owns partition 1. */
export const THERE = "host:/there";
const NEVER = new AbortController().signal;

/** Two processes; the other one owns partition 1, and answers. */
export async function openAskingFleet(url: string, answer: AnswerAsk) {
  const open = async (place: string) => {
    const remote = createRemote(url, { partition: 1, partitions: 2 });
    await remote.open();
    const asking = createAsking(createRemote(url), place, recordingLog().log);
    const { promise: listening, resolve: onNotice } = Promise.withResolvers<void>();
    const listener = remote.listen({ place, onNotice, onAskNotice: asking.hear, schedule });
    await listening;
    return {
      remote,
      asking,
      look: async () =>
        asking.looked(place === THERE ? [1] : [0], await remote.meet({ place, copied: [] })),
      async close() {
        await listener.close();
        await asking.close();
        await remote.close();
      },
    };
  };
  const here = await open(HERE);
  const there = await open(THERE);
  const lease = await there.remote.take({ owner: "there", place: THERE, bots: [] }, 0);
  assert.ok(lease);
  there.asking.answerWith(answer);
  await there.look();
  await here.look();
  const count = async (): Promise<unknown> =>
    await here.remote.use(async (sql) => {
      const [row] = await sql`
        SELECT (SELECT count(*) FROM barnacle.asks)::int + count(*)::int AS rows
        FROM barnacle.answers`;
      return row?.["rows"];
    });
  return {
    url,
    here,
    there,
    lease,
    ask: (question: string, signal = NEVER) => here.asking.ask(1, question, signal),
    count,
    async [Symbol.asyncDispose]() {
      await here.close();
      await there.close();
    },
  };
}
