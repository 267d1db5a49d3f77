/** Tests a whole call on the binary. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { beginCall, withCall } from "../../support/voice/call_scene.ts";

describe("[V1] [V5] a call", () => {
  it("hears a person who agreed, and answers in speech", () =>
    withCall(async ({ scene, speech, says, hears }) => {
      await beginCall(scene, await scene.start());
      await says("ada", "When is low tide today?");
      await scene.until("a transcript", () => speech.requests[0]);
      assert.equal(speech.requests[0]?.text, "When is low tide today?");
      await hears("ada", /You wrote:.*tide today\?/);
    }));
});
