/** People of the scenario `fleet`, who ask one question after the other, and the model's calls of tools. */

import { setTimeout as sleep } from "node:timers/promises";
import type { WireCall, WireRequest } from "../../../simulator/model/wire.ts";
import type { Scene } from "../../support/bot/e2e.ts";
import type { Seeded } from "../../support/seeded.ts";
import type { Ledger } from "../support/ledger.ts";

/** A channel, with the person who asks there. */
export type Place = readonly [who: string, where: string];

/** People wait for answers from this number of open questions on. */
const MAX_OPEN = 60;

const NAME = /\bq\d{6}\b/;

/** One call for two of three questions, as long as the turn has none yet. */
export function callsFor(
  words: string,
  { messages, tools }: WireRequest,
  newest: number,
): WireCall[] {
  const name = NAME.exec(words)?.[0];
  if (name === undefined || tools.length === 0) return [];
  if (messages.slice(newest + 1).some(({ role }) => role === "assistant")) return [];
  switch (Number(name.slice(1)) % 3) {
    case 0:
      return [{ id: "call_1", name: "mcp__bell__ring", arguments: JSON.stringify({ key: name }) }];
    case 1: {
      const args = { action: "sendMessage", text: `sent ${name} by a tool` };
      return [{ id: "call_1", name: "discord", arguments: JSON.stringify(args) }];
    }
    default:
      return [];
  }
}

/** The bot's messages by channel, oldest first. */
export function writtenIn(
  { simulator }: Scene,
  places: readonly Place[],
): ReadonlyMap<string, readonly string[]> {
  return new Map(places.map(([as, where]) => {
    const { id, messages } = simulator.channel(where, as);
    const own = [...messages.values()].filter(({ author }) =>
      author.kind === "user" && author.userId === simulator.application.userId
    );
    return [String(id), own.map(({ content }) => content)];
  }));
}

/** Lets people ask one after the other, whichever process runs. */
export function converse(
  { simulator, mention }: Scene,
  places: readonly Place[],
  ledger: Ledger,
  dice: Seeded,
) {
  let isOver = false;
  let talking: Promise<void> = Promise.resolve();

  function ask([as, where]: Place): string {
    const { id } = simulator.channel(where, as);
    const name = ledger.owe(String(id));
    simulator.say({ as, in: id, text: where === "dm" ? name : `${mention} ${name}` });
    return name;
  }

  async function talk(rate: number): Promise<void> {
    while (!isOver) {
      await sleep(1_000 / rate);
      if (ledger.open < MAX_OPEN) ask(dice.pick(places));
    }
  }

  return {
    /** @returns The name of the question. */
    ask,
    begin(rate: number): void {
      talking = talk(rate);
    },
    async end(): Promise<void> {
      isOver = true;
      await talking;
    },
  };
}
