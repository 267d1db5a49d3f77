/**
 * Measures the costs of one person's acts against the table of X4a: the same scene with these acts and
 * without them, in one process whose store counts its commits.
 *
 * Beside the acts, the bot stores ada's question, its application's team, and how far it has read. How
 * often it does the last depends on how busy the machine is, so those batches are counted apart.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { type RunningBot, startBot } from "../../src/bot.ts";
import type { Model } from "../../src/core/model.ts";
import type { RequestRecord } from "../../simulator/notes/request_log.ts";
import type { Simulator } from "../../simulator/simulator.ts";
import type { Store } from "../../src/store/store.ts";
import { onSimulator, PARROT, PATIENCE_MS } from "../support/bot/in_process.ts";

/** Acts of each measurement; Discord takes as many reactions on a message. */
const ACTS = 20;

/** Commits of ada's question at most, and of the application's team. */
const OWN_COMMITS = 5 + 1;

interface Costs {
  readonly requests: number;
  readonly commits: number;
  readonly calls: number;
}

interface Measured extends Costs {
  /** Batches that only say how far the bot has read. */
  readonly positions: number;
}

/** Counts the batches that only say how far the bot has read: each is at most a commit. */
function countingPositions(store: Store) {
  let positions = 0;
  const { acceptBatch } = store.inbox;
  return {
    positions: () => positions,
    store: {
      ...store,
      inbox: {
        ...store.inbox,
        acceptBatch(...[batch, at]: Parameters<typeof acceptBatch>) {
          const { judged, changes, guilds, reactions, hookEvents } = batch;
          const stored = [judged, changes, guilds, reactions, hookEvents];
          if (batch.heard && stored.every((rows = []) => rows.length === 0)) positions++;
          return acceptBatch(batch, at);
        },
      },
    },
  };
}

interface Act {
  readonly what: string;
  /** Whether grace may talk in the server; ada may, in any case. */
  readonly isAllowed?: true;
  /** Returns the id of the message that `act` needs. */
  readonly before?: (simulator: Simulator) => string | Promise<string>;
  readonly act: (simulator: Simulator, on: string, n: number) => void;
  /** The largest costs of all acts together. */
  readonly most: Costs;
}

/** Milliseconds between two looks at the bot's open turns. */
const LOOK_EVERY_MS = 20;

const patience = () => AbortSignal.timeout(PATIENCE_MS);

const ask = (simulator: Simulator, as: string, where: string, text: string) =>
  simulator.say({ as, in: where, text: `<@${simulator.application.userId}> ${text}` });

/** Posts a message of the bot with a button that the bot does not know. */
async function postButton({ apiUrl, token, channel }: Simulator): Promise<string> {
  const button = { type: 2, style: 1, label: "x", custom_id: "unknown" };
  const response = await fetch(`${apiUrl}/api/v10/channels/${channel("general").id}/messages`, {
    method: "POST",
    headers: {
      "authorization": `Bot ${token}`,
      "content-type": "application/json",
      "user-agent": "DiscordBot (https://example.invalid, 1.0.0)",
    },
    body: JSON.stringify({
      content: "x",
      allowed_mentions: { parse: [] },
      components: [{ type: 1, components: [button] }],
    }),
  });
  const { id } = await response.json();
  return id;
}

/** Requests of the bot's own checks beside its start, which a busy machine delays. */
const OWN_PATHS = [
  /^\/applications\//,
  /^\/users\/@me\/guilds$/,
  /^\/gateway$/,
  /^\/guilds\/\d+\/members\/search$/,
];

/** Where ada asks: on a busy machine, her questions get signs, too. */
const ASKED = "off-topic";

/**
 * Requests that the acts may cause: not the bot's own, nor the sign of typing. An answer may overtake
 * the acknowledgement of its interaction. Discord then knows no webhook yet (404), and the answer is
 * sent again, on a busy machine several times (K5).
 */
const isCounted = (
  { path, status }: Pick<RequestRecord, "path" | "status">,
  { channel }: Simulator,
): boolean =>
  !OWN_PATHS.some((own) => own.test(path)) && !path.endsWith("/typing") &&
  !path.startsWith(`/channels/${channel(ASKED).id}/`) &&
  !(status === 404 && path.startsWith("/webhooks/"));

/** Waits until no turn is open and no message is unsent. */
async function settle(bot: RunningBot): Promise<void> {
  const patient = patience();
  for (;;) {
    await bot.refresh();
    const { inbox, outbox } = bot.snapshot();
    if (inbox.waiting + inbox.running + outbox.pending + outbox.sending === 0) return;
    await setTimeout(LOOK_EVERY_MS, undefined, { signal: patient });
  }
}

/** The costs of the scene, which ends with a question of ada's in another channel. */
async function costsOf({ isAllowed, before, act }: Act, acts: number): Promise<Measured> {
  let calls = 0;
  const received = Promise.withResolvers<void>();
  const model: Model = {
    ...PARROT,
    async *generate(request, signal) {
      calls++;
      // Otherwise a slow machine ends turns meanwhile, and more than four questions are taken.
      if (!request.messages.at(-1)?.text.includes("tide?")) await received.promise;
      yield* PARROT.generate(request, signal);
    },
  };
  let costs: Measured | undefined;
  await onSimulator(
    async (simulator, options) => {
      const { store, positions } = countingPositions(options.store);
      const bot = await startBot({ ...options, store });
      const { application, requests } = simulator;
      await simulator.until(
        // A busy machine registers the commands late, which is a commit of the bot's own.
        () => simulator.connected() > 0 && application.commands.length > 0 || undefined,
        patience(),
      );
      const on = await before?.(simulator) ?? "";
      ask(simulator, "ada", ASKED, "low tide?"); // stored after all that comes before it
      await simulator.until(() => simulator.posted(ASKED)[0], patience());
      await settle(bot);
      const { number = 0 } = requests.records().at(-1) ?? {};
      const commits = options.store.writes();
      const callsBefore = calls;
      const positionsBefore = positions();
      for (let n = 0; n < acts; n++) act(simulator, on, n);
      ask(simulator, "ada", ASKED, "high tide?");
      await simulator.until(() => simulator.posted(ASKED)[1], patience());
      received.resolve();
      await settle(bot);
      await bot.stop();
      costs = {
        requests:
          requests.records().filter((one) => one.number > number && isCounted(one, simulator))
            .length,
        commits: options.store.writes() - commits,
        calls: calls - callsBefore,
        positions: positions() - positionsBefore,
      };
    },
    model,
    (guild) => ({ guilds: { [guild]: isAllowed ? {} : { users: ["ada"] } } }),
  );
  assert.ok(costs);
  return costs;
}

/** No request, no call, and at most a commit for each act: acts that come together share one. */
const STORED: Costs = { requests: 0, commits: ACTS, calls: 0 };
const NOTHING: Costs = { requests: 0, commits: 0, calls: 0 };

const someone = (text: string) => (simulator: Simulator): string =>
  simulator.say({ as: "grace", in: "general", text }).id;
const emojiOf = (n: number) => String.fromCodePoint(0x1f600 + n);

const ALL: readonly Act[] = [
  {
    what: "presses without a right: an acknowledgement each, and one refusal",
    before: postButton,
    act: (simulator, message) =>
      void simulator.press({ as: "grace", in: "general", message, customId: "unknown" }),
    most: { requests: ACTS + 1, commits: 0, calls: 0 },
  },
  {
    what: "commands without a right: an acknowledgement and its removal each, and one refusal",
    act: (simulator) => void simulator.command({ as: "grace", in: "general", name: "status" }),
    most: { requests: 2 * ACTS + 1, commits: ACTS, calls: 0 }, // the store drops each once it has ended
  },
  {
    what:
      "commands of a person who may: an acknowledgement and an answer each, kept until it has left",
    isAllowed: true,
    act: (simulator) => void simulator.command({ as: "grace", in: "general", name: "status" }),
    most: { requests: 2 * ACTS, commits: 2 * ACTS, calls: 0 },
  },
  {
    what: "text commands: a turn without the model, one at a time",
    isAllowed: true,
    act: (simulator) => void ask(simulator, "grace", "general", "/status"),
    most: { requests: 2 * ACTS, commits: 5 * ACTS, calls: 0 }, // a late answer has a sign before it
  },
  {
    what: "mentions without a right",
    act: (simulator, _on, n) => void ask(simulator, "grace", "general", `answer ${n}`),
    most: STORED,
  },
  {
    what: "edits of a message without a right",
    before: someone("hello"),
    act: (simulator, message, n) =>
      void simulator.edit({ as: "grace", in: "general", message, text: `hello ${n}` }),
    most: STORED,
  },
  {
    what: "reactions without a right",
    before: someone("hello"),
    act: (simulator, message, n) =>
      simulator.react({ as: "grace", in: "general", message, emoji: emojiOf(n) }),
    most: STORED,
  },
  {
    what: "reactions of a person who may talk",
    isAllowed: true,
    before: someone("hello"),
    act: (simulator, message, n) =>
      simulator.react({ as: "grace", in: "general", message, emoji: emojiOf(n) }),
    most: STORED,
  },
  {
    what: "messages that do not address the bot",
    isAllowed: true,
    act: (simulator, _on, n) =>
      void simulator.say({ as: "grace", in: "general", text: `hello ${n}` }),
    most: STORED,
  },
  {
    what: "renames of a channel",
    act: (simulator, _on, n) => simulator.renameChannel(n ? `help-${n - 1}` : "help", `help-${n}`),
    most: STORED,
  },
  {
    what: "signs of typing",
    act: (simulator) => simulator.type({ as: "grace", in: "general" }),
    most: NOTHING,
  },
  {
    what: "joins and leaves",
    act: (simulator, _on, n) =>
      n % 2 === 0 ? simulator.invite({ who: "mallory" }) : simulator.kick({ who: "mallory" }),
    most: NOTHING,
  },
  {
    what: "direct messages of a person whom it does not know: a code, and one message to the owner",
    act: (simulator, _on, n) => void simulator.say({ as: "mallory", in: "dm", text: `hello ${n}` }),
    most: { requests: 4, commits: 5 + (ACTS - 1), calls: 0 }, // the first has the code
  },
  {
    what: "questions in a channel: four turns, with a sign and an answer each, and one notice",
    isAllowed: true,
    act: (simulator, _on, n) => void ask(simulator, "grace", "general", `answer ${n}`),
    most: { requests: 4 * 3 + 2, commits: 4 * 5 + (ACTS - 4) * 3, calls: 4 },
  },
];

describe("[X4a] the costs that one person causes", () => {
  const own = costsOf({ what: "", act() {}, most: NOTHING }, 0);
  for (const act of ALL) {
    it(act.what, async () => {
      const without = await own;
      const costs = await costsOf(act, ACTS);
      const { requests, commits, calls } = act.most;
      assert.ok(costs.requests - without.requests <= requests, `${costs.requests} requests`);
      assert.ok(
        costs.commits <= commits + OWN_COMMITS + costs.positions,
        `${costs.commits} commits, ${costs.positions} positions`,
      );
      assert.ok(costs.calls - without.calls <= calls, `${costs.calls} calls`);
    });
  }
});
