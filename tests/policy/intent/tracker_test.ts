import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { UserId } from "../../../src/core/discord/ids.ts";
import { createIntentTracker } from "../../../src/policy/intent/tracker.ts";

describe("the tracker of the intent filter", () => {
  it("[I1] keeps 200 people of a channel, and forgets the one of whom it heard nothing for longest", () => {
    const tracker = createIntentTracker({ me: "1" as UserId });
    const line = (author: string) =>
      ({ author: author as UserId, text: "hi", at: 0, to: [], beginsWithName: false }) as const;
    const isNew = (author: string) => tracker.features(line(author)).newPerson;
    for (let at = 0; at < 200; at++) tracker.push(line(`8${at}`));
    tracker.push(line("80"));
    tracker.push(line("7"));
    assert.deepEqual(["80", "81", "82", "7"].map(isNew), [0, 1, 0, 0]);
  });
});
