/** Presses the button of cards that ask before others see an effect (T4). */

import assert from "node:assert/strict";
import { buttonsIn, usableIn } from "../../../simulator/world/components.ts";
import type { Message } from "../../../simulator/world/world.ts";
import { GO_ON } from "../../../src/render/sentences.ts";
import type { Scene } from "./e2e.ts";

/** Waits for the open card in a place, presses it, and returns it. */
export async function goOn(
  { simulator, until }: Pick<Scene, "simulator" | "until">,
  where: string,
  as = "grace",
): Promise<Message> {
  const isOpen = ({ components }: Message) =>
    usableIn(components).length > 0 && buttonsIn(components).some(({ label }) => label === GO_ON);
  const card = await until(
    "the card",
    () => simulator.posted(simulator.channel(where, as).id).findLast(isOpen),
  );
  const button = buttonsIn(card.components).find(({ label }) => label === GO_ON);
  assert.ok(button);
  simulator.press({ as, in: where, message: card.id, customId: button.custom_id });
  return card;
}
