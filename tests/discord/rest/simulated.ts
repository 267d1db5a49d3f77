/**
 * Runs the endpoints against a simulated Discord, without the scheduler: each request leaves at
 * once. At the end of the test, each request is checked against Discord's own API document.
 */

import assert from "node:assert/strict";
import type { RestApi } from "../../../src/discord/rest/client/client.ts";
import { bodyOf } from "../../../src/discord/rest/client/client.ts";
import { routeOf, toNoAnswer, toRestError } from "../../../src/discord/rest/exchange/exchange.ts";
import { type DemoWorld, demoWorld } from "../../../simulator/actions/demo_world.ts";
import { type Simulator, startSimulator } from "../../../simulator/simulator.ts";
import { createRequestValidator } from "../../support/discord/openapi.ts";

const openapi = createRequestValidator();

export interface Simulated {
  readonly api: RestApi;
  readonly sim: Simulator;
  readonly demo: DemoWorld;
}

/** Runs a test against a demo world of its own. */
export async function withDiscord(test: (discord: Simulated) => Promise<void>): Promise<void> {
  const demo = demoWorld();
  const sim = await startSimulator({ world: demo.world, rateLimits: false });
  try {
    await test({ api: plainApi(sim), sim, demo });
    for (const record of sim.requests.records()) {
      const where = `${record.method} ${record.path}`;
      assert.deepEqual(openapi.problemsOf(record), [], where);
    }
  } finally {
    await sim.close();
  }
}

function plainApi({ apiUrl, token }: Simulator): RestApi {
  return {
    async request(method, path, options = {}) {
      const route = routeOf(method, path);
      const url = `${apiUrl}/api/v10${path}`;
      const content = bodyOf(options);
      const headers = {
        "user-agent": "DiscordBot (https://example.invalid, 1.0.0)",
        authorization: `Bot ${token}`,
        ...(typeof content === "string" && { "content-type": "application/json" }),
        ...(options.reason && { "x-audit-log-reason": encodeURIComponent(options.reason) }),
      };
      const response = await fetch(url, { method, headers, body: content })
        .catch((error: unknown) => {
          throw toNoAnswer(route, error);
        });
      const text = await response.text();
      const body: unknown = text === "" ? undefined : JSON.parse(text);
      if (!response.ok) throw toRestError(route, response.status, body);
      return body;
    },
  };
}
