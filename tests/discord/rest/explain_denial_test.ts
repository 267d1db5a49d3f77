import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createExplainDenial,
  neededToPost,
} from "../../../src/discord/rest/requests/guild_reads.ts";
import { createMessage } from "../../../src/discord/rest/requests/messages.ts";
import type { UserId } from "../../../src/core/discord/ids.ts";
import type { RestApi } from "../../../src/discord/rest/client/client.ts";
import { channelId, outboundMessage } from "../../support/discord/builders.ts";
import { type Simulated, withDiscord } from "./simulated.ts";

const POST = neededToPost({ hasFiles: false, isQuote: false });

/** A place, the bot's user, and a function that posts there. */
function asking({ api, demo }: Simulated, channel: string = demo.channels.help.id) {
  const place = {
    channelId: channelId(channel),
    guildId: demo.krill.id,
    userId: demo.barnacle.userId,
  };
  const sent = outboundMessage({ channelId: place.channelId, nonce: String(Math.random()) });
  return {
    place,
    explain: () => createExplainDenial(api, Date.now)(place, POST),
    post: () => createMessage(api, sent, [], Date.now() + 10_000),
  };
}

type Change = (discord: Simulated) => void;

const changes: readonly [what: string, break_: Change, mend: Change, words: RegExp][] = [
  [
    "an overwrite for its role",
    ({ sim }) => sim.permit({ to: "Barnacle", what: "sendMessages", as: "denied", in: "#help" }),
    ({ sim }) => sim.permit({ to: "Barnacle", what: "sendMessages", as: "unset", in: "#help" }),
    /^cannot post in #help: Send Messages is denied for the role Barnacle$/,
  ],
  [
    "an overwrite for itself that hides the channel",
    ({ sim }) =>
      sim.permit({
        to: "Barnacle",
        what: "viewChannel",
        as: "denied",
        in: "#help",
        isMember: true,
      }),
    ({ sim }) =>
      sim.permit({ to: "Barnacle", what: "viewChannel", as: "unset", in: "#help", isMember: true }),
    /^cannot post there: the bot may not see the channel, or it is a private thread without /,
  ],
  [
    "a role that no longer grants",
    ({ sim }) => {
      for (const to of ["@everyone", "Barnacle"]) {
        sim.permit({ to, what: "sendMessages", as: "unset" });
      }
    },
    ({ sim }) => sim.permit({ to: "@everyone", what: "sendMessages", as: "allowed" }),
    /^cannot post in #help: Send Messages is missing; no role of the bot's grants it$/,
  ],
  [
    "a timeout",
    ({ sim }) => sim.timeOut({ who: "Barnacle", until: Date.now() + 60_000 }),
    ({ sim }) => sim.timeOut({ who: "Barnacle", until: undefined }),
    /^cannot post in #help: the bot is timed out until 20\d\d-/,
  ],
];

describe("[R11] createExplainDenial() and a strict Discord", () => {
  for (const [what, breakIt, mend, words] of changes) {
    it(`explains ${what}, and finds nothing once it is fixed`, () =>
      withDiscord(async (discord) => {
        const { explain, post } = asking(discord);
        assert.equal(await explain(), undefined);
        breakIt(discord);
        const refused = await post();
        assert.equal(refused.kind === "refused" && refused.why, "forbidden");
        assert.match((await explain())?.text ?? "", words);
        mend(discord);
        assert.equal((await post()).kind, "created");
        assert.equal(await explain(), undefined);
      }));
  }

  it("explains a thread by its parent, and explains its lock", () =>
    withDiscord(async (discord) => {
      const { sim, demo } = discord;
      const { explain, post } = asking(discord, demo.channels.thread.id);
      assert.equal(await explain(), undefined);
      const inThreads = { to: "@everyone", what: "sendMessagesInThreads", in: "#help" } as const;
      sim.permit({ ...inThreads, as: "denied" });
      assert.match((await explain())?.text ?? "", /Send Messages in Threads is denied/);
      sim.permit({ ...inThreads, as: "unset" });
      sim.setThread({ in: demo.channels.thread.id, isLocked: true, isArchived: true });
      const refused = await post();
      assert.equal(refused.kind === "refused" && refused.code, 50083);
      assert.match((await explain())?.text ?? "", /the thread is locked/);
      sim.setThread({ in: demo.channels.thread.id, isLocked: false });
      assert.equal((await post()).kind, "created", "an archived thread wakes up");
    }));

  it("[SEC-R4] a private thread is hidden from people who are not in it", () =>
    withDiscord(async ({ api, demo, demo: { channels: { thread }, people } }) => {
      const asPrivate: RestApi = {
        async request(...asked) {
          const answer = await api.request(...asked);
          const isThread = asked[1] === `/channels/${thread.id}`;
          return isThread ? { ...Object(answer), type: 12 } : answer;
        },
      };
      const explain = (userId: UserId) =>
        createExplainDenial(asPrivate, Date.now)(
          { channelId: thread.id, guildId: demo.krill.id, userId },
          ["View Channel"],
        );
      thread.members.add(people.grace.id);
      assert.equal(await explain(people.grace.id), undefined);
      thread.members.delete(people.grace.id);
      assert.equal((await explain(people.grace.id))?.deniedBy, "the thread is private");
    }));

  it("explains a thread in a hidden channel", () =>
    withDiscord(async (discord) => {
      const { sim, demo } = discord;
      const { explain } = asking(discord, demo.channels.thread.id);
      sim.permit({ to: "@everyone", what: "viewChannel", as: "denied", in: "#help" });
      assert.match((await explain())?.text ?? "", /may not see the channel/);
    }));

  it("explains a deleted channel, and a guild that the bot has left", () =>
    withDiscord(async (discord) => {
      const { sim, demo } = discord;
      const { explain } = asking(discord, demo.channels.offTopic.id);
      sim.deleteChannel("#off-topic");
      assert.match((await explain())?.text ?? "", /it was deleted/);
      sim.kick({ who: "Barnacle" });
      assert.match((await explain())?.text ?? "", /not in that server/);
    }));
});
