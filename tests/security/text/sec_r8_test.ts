/** A model whose server leaves its traces in the answer. */

import assert from "node:assert/strict";
import { it } from "node:test";
import { LEAKS } from "../../render/leaks.ts";
import { withSimulation } from "../../support/bot/e2e.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";

/** What Discord may see of an answer that is blank without its traces. */
const FAILURE =
  /^Sorry, something went wrong and I couldn't answer\. Error ID for my operator: `\w+`$/;

it("[SEC-R8] traces in answers › never reach Discord, in any of more than sixty forms", () =>
  withSimulation({
    simulator: { rateLimits: false },
    // With tools, a call as text would end the turn (L3).
    config: { tools: { deny: ["*"] } },
  }, async ({ simulator, start, say, mention, replies }) => {
    const leaks = LEAKS.filter(([, , visible]) => visible !== "NO_REPLY");
    assert.ok(leaks.length >= 60);
    await using model = await startFixedModel((asked) =>
      leaks[Number(/leak (\d+)!/.exec(asked)?.[1])]?.[1] ?? "no such leak"
    );
    await start({ OPENAI_BASE_URL: model.baseUrl });
    for (const [index, [name, , visible]] of leaks.entries()) {
      say("grace", "general", `${mention} leak ${index}!`);
      const shown = (await replies("general", index + 1)).at(-1);
      if (visible === "") assert.match(shown ?? "", FAILURE, name);
      else assert.equal(shown, visible, name);
    }
    assert.equal(simulator.posted("general").length, leaks.length);
  }));
