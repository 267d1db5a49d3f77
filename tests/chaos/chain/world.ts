/**
 * The world around the chain from an event to its outcome: senders that send until the bot has an
 * event, an address that gets posts, a command that leaves a trace, and people at the cards.
 */

import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { buttonsIn, textOf } from "../../../simulator/world/components.ts";
import type { Message } from "../../../simulator/world/world.ts";
import type { Scene } from "../../support/bot/e2e.ts";
import type { Seeded } from "../../support/seeded.ts";
import { type ChainEffects, eventText, planOf } from "./ledger.ts";

/** Bearer token of all hooks. */
export const HOOK_SECRET = "chain-canary-4Vb8Nz1Tc6Rw3Qd9Fk2Lx7Bn5";

/** Each run of the command adds the name of its event here. */
export const TRACE = "ran.txt";
/** The action "Run": it takes a while after its effect, so that kills come before its result. */
export const SCRIPT = `echo "$0" >> ${TRACE}; sleep 0.1`;

/** An address that counts the names that it gets. */
export interface PostServer extends AsyncDisposable {
  readonly url: string;
  readonly got: ReadonlyMap<string, number>;
}

/** @param onPost Called once a post is counted, before its sender learns of it. */
export async function startPostServer(
  delayMs: () => number,
  onPost: () => void,
): Promise<PostServer> {
  const got = new Map<string, number>();
  const server = createServer((request, response) => {
    response.on("error", () => response.destroy()); // its sender was killed
    void (async () => {
      let body = "";
      for await (const part of request.setEncoding("utf8")) body += part;
      const { name }: { readonly name: string } = JSON.parse(body);
      got.set(name, (got.get(name) ?? 0) + 1);
      onPost();
      await sleep(delayMs());
      response.end("noted");
    })().catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}/`,
    got,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** The effects of both actions so far. */
export function effectsOf(workspace: string, posts: PostServer): ChainEffects {
  const trace = join(workspace, TRACE);
  const names = existsSync(trace) ? readFileSync(trace, "utf8").split("\n").filter(Boolean) : [];
  const ran = new Map<string, number>();
  for (const name of names) ran.set(name, (ran.get(name) ?? 0) + 1);
  return { Run: ran, Post: posts.got };
}

/** Maximum events on their way to the bot. */
const MAX_SENDING = 20;
const AGAIN_MS = 40;
/** Share of events that are sent once more after their 202. */
const REPEATED = 0.15;

/** An accepted event by its name. */
export interface SentEvents {
  readonly ids: ReadonlyMap<string, string>;
  /** How many requests the bot did not answer, and how often it had the event all the same. */
  readonly figures: { cut: number; storedUnseen: number };
  /** What a sender may not see, such as two ids of an event. */
  readonly wrong: readonly string[];
  /** Sends no new event, and waits until the bot has all. */
  end(): Promise<void>;
}

/** @param onAccepted Called as an event is accepted. */
export function sendEvents(
  { address, hooks, rate, dice, onAccepted }: {
    /** Such as `"http://127.0.0.1:8788/hooks/"`. */
    readonly address: string;
    readonly hooks: readonly string[];
    /** Events a second, on average. */
    readonly rate: number;
    readonly dice: Seeded;
    readonly onAccepted: () => void;
  },
): SentEvents {
  const ids = new Map<string, string>();
  const wrong: string[] = [];
  const figures = { cut: 0, storedUnseen: 0 };
  const sending = new Set<Promise<void>>();
  let isOver = false;
  let sent = 0;

  /** @returns The id; `undefined` if the bot has not answered. */
  async function post(hook: string, name: string, key: string, isKnown: boolean) {
    const response = await fetch(address + hook, {
      method: "POST",
      headers: {
        authorization: `Bearer ${HOOK_SECRET}`,
        "content-type": "application/json",
        "idempotency-key": name,
        connection: "close",
      },
      body: JSON.stringify({ text: eventText(name), key }),
    }).catch(() => undefined);
    const text = await response?.text().catch(() => undefined);
    if (!response || text === undefined) return void figures.cut++;
    if (response.status === 503) return undefined; // it stops, or its disk is busy
    if (response.status !== 202 && response.status !== 200) {
      wrong.push(`${name}: ${response.status} ${text.trim()}`);
      return undefined;
    }
    if (response.status === 200 && !isKnown) figures.storedUnseen++;
    const { id }: { readonly id: string } = JSON.parse(text);
    const before = ids.get(name);
    if (before !== undefined && (before !== id || response.status !== 200)) {
      wrong.push(`${name}: ${before}, then ${response.status} ${id}`);
    }
    return id;
  }

  async function send(hook: string, name: string, key: string, isRepeated: boolean) {
    let id = await post(hook, name, key, false);
    while (id === undefined) {
      await sleep(AGAIN_MS);
      id = await post(hook, name, key, false);
    }
    ids.set(name, id);
    onAccepted();
    if (isRepeated) await post(hook, name, key, true);
  }

  const talking = (async () => {
    while (!isOver) {
      await sleep(dice.upTo(Math.round(2_000 / rate)));
      if (sending.size >= MAX_SENDING) continue;
      const name = `e${String(++sent).padStart(6, "0")}`;
      const key = `incident-${dice.upTo(3)}`;
      const one = send(dice.pick(hooks), name, key, dice.random() < REPEATED);
      sending.add(one);
      void one.finally(() => sending.delete(one));
    }
  })();

  return {
    ids,
    figures,
    wrong,
    async end() {
      isOver = true;
      await talking;
      await Promise.all(sending);
    },
  };
}

const LOOK_MS = 60;
/** A press at a bot that dies is lost, so people press again. */
const PRESS_AGAIN_MS = 2_500;
/** Maximum wait of a person before the first press. */
const READING_MS = 1_500;
/** Share of cards at which two people press at once. */
const CROWDED = 0.2;

/** Presses the buttons of open cards, until it is stopped. Each card has one choice. */
export function pressCards(
  { simulator }: Scene,
  people: readonly string[],
  dice: Seeded,
  seed: number,
) {
  const next = new Map<string, number>();
  let presses = 0;
  let isOver = false;

  function press(message: Message): void {
    const name = /\be\d{6}\b/.exec(textOf(message))?.[0] ?? "e0";
    const { choice } = planOf(name, seed);
    const button = buttonsIn(message.components).find(({ label }) => label?.includes(choice));
    if (!button) throw new Error(`No ${choice} on ${textOf(message)}`);
    for (const as of dice.random() < CROWDED ? people.slice(0, 2) : [dice.pick(people)]) {
      presses++;
      simulator.press({
        as,
        in: message.channelId,
        message: message.id,
        customId: button.custom_id,
      });
    }
  }

  const pressing = (async () => {
    while (!isOver) {
      await sleep(LOOK_MS);
      const now = performance.now();
      for (const message of simulator.posted()) {
        if (buttonsIn(message.components).length === 0) continue;
        const due = next.get(message.id) ?? now + dice.upTo(READING_MS);
        next.set(message.id, now < due ? due : now + PRESS_AGAIN_MS);
        if (now >= due) press(message);
      }
    }
  })();

  return {
    get presses() {
      return presses;
    },
    async end(): Promise<void> {
      isOver = true;
      await pressing;
    },
  };
}
