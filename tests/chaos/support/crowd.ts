/**
 * Simulates people who ask during faults, and records the expected answers.
 *
 * Each question has a unique name, which the scripted model repeats. Messages between people need
 * no answer, and only advance the sequence number.
 */

import { type Account, accountOf } from "../../support/bot/account.ts";
import type { Scene } from "../../support/bot/e2e.ts";
import type { Seeded } from "../../support/seeded.ts";

/** Two channels, a thread, and the direct messages of an allowed user. */
const GUILD_CHANNELS = ["general", "off-topic", "How do I feed krill?"];
const DIRECT = "dm";
const IN_DIRECT = "ada";
const IN_GUILD = ["ada", "grace"];

export function gather({ simulator, mention, written, until }: Scene, seeded: Seeded) {
  const places = [...GUILD_CHANNELS, DIRECT];
  // By id, because the name of a direct channel does not name its user.
  const idOf = (place: string) => simulator.channel(place, IN_DIRECT).id;
  // Questions of one person have an order. Those of others may pass them while that person has a
  // turn elsewhere (X4).
  const owed = places.flatMap((place) =>
    (place === DIRECT ? [IN_DIRECT] : IN_GUILD).map((as) => ({
      place,
      as,
      channel: String(idOf(place)),
      pieces: [] as string[],
    }))
  );
  let count = 0;

  const askIn = ({ place, as, channel, pieces }: (typeof owed)[number]): void => {
    count += 1;
    const name = `q${String(count).padStart(4, "0")}.`;
    simulator.say({ as, in: channel, text: place === DIRECT ? name : `${mention} ${name}` });
    pieces.push(name);
  };
  const account = () => accountOf(owed, (channel) => written(channel));

  const settle = async () => {
    const isSettled = () => account().lost.length === 0;
    await until("all answers", isSettled).catch(() => {}); // the report lists lost answers
  };

  return {
    /** The current state. */
    account,
    /** Asks the bot a question somewhere. */
    ask(where?: string) {
      const place = where ?? seeded.pick(places);
      askIn(seeded.pick(owed.filter((one) => one.place === place)));
    },
    /** Sends a message that is not for the bot. */
    chat() {
      simulator.say({
        as: seeded.pick(IN_GUILD),
        in: seeded.pick(GUILD_CHANNELS),
        text: "between us",
      });
    },
    /**
     * Waits until all questions are answered, or for a time; then until a last question in each place
     * is.
     */
    async quiesce(): Promise<Account> {
      await settle();
      // A second answer would come before the answer to a later question.
      for (const place of owed) if (place.pieces.length > 0) askIn(place);
      await settle();
      return account();
    },
  };
}
