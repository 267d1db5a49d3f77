/** Serves the API for programs over a real socket, with a service of the test. */

import type { CallService, NewCall } from "../../../../src/core/programs/service.ts";
import { toAccountId } from "../../../../src/core/discord/ids.ts";
import { createApi } from "../../../../src/extras/api/http/app.ts";
import { createMcp } from "../../../../src/extras/api/http/mcp.ts";
import { MAX_API_BODY_BYTES } from "../../../../src/extras/api/http/routes.ts";
import { startHttpServer } from "../../../../src/host/http_server.ts";
import { schedule } from "../../../../src/lib/clock.ts";
import { messageId, userId } from "../../../support/discord/builders.ts";
import { recordingLog } from "../../../support/recording_log.ts";

/** The token of the only program. */
export const TOKEN = "a-token-of-more-than-thirty-two-characters";
const ID = messageId("1442000000000000000");

/** A service that answers with the question, and notes calls. */
export function serviceWith(changes: Partial<CallService> = {}) {
  const begun: NewCall[] = [];
  const left: string[] = [];
  const service: CallService = {
    agents: () => ["main", "reef"],
    begin(_caller, call) {
      begun.push(call);
      return Promise.resolve({ id: ID, agentId: call.agentId ?? "main", isNew: true });
    },
    countRead: () => {},
    stateOf: () => Promise.resolve({ kind: "open", agentId: "reef" }),
    wait(_caller, _id, _signal, onText) {
      onText?.("an ");
      onText?.("answer");
      const usage = { inputTokens: 1, outputTokens: 2 };
      return Promise.resolve({ kind: "answered", text: "an answer", usage });
    },
    leave: (id) => Promise.resolve(void left.push(id)),
    act: () => Promise.resolve("done"),
    ...changes,
  };
  return { service, begun, left };
}

/** Serves a service during a test; `undefined`: its account does not run. */
export async function withServer(
  service: CallService | undefined,
  test: (base: string, log: ReturnType<typeof recordingLog>) => Promise<void>,
): Promise<void> {
  const recorded = recordingLog();
  const api = createApi({
    programs: () => [{
      program: "house",
      token: TOKEN,
      userId: userId("123456789012345678"),
      accountId: toAccountId("default"),
      perMinute: 10,
      atOnce: 2,
    }],
    hosts: () => ["barnacle.home.arpa"],
    waitMs: () => 5_000,
    service: () => service && Promise.resolve(service),
    mcp: () =>
      Promise.resolve(createMcp("1.0.0", {
        refused: () => {},
        failed: (error) => recorded.log.error("A request of a program failed", { error }),
      })),
    schedule,
    now: Date.now,
    log: recorded.log,
  });
  const server = await startHttpServer({
    bind: ["127.0.0.1"],
    port: 0,
    bounds: { maxBodyBytes: MAX_API_BODY_BYTES, answersLarge: true },
  }, api.fetch);
  try {
    await test(`http://127.0.0.1:${server.port}`, recorded);
  } finally {
    await server.close();
  }
}

/** Headers of a program. */
export const AUTH = { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" };
/** The body of a chat completion. */
export const chat = (more: object = {}) => ({
  model: "main",
  messages: [{ role: "user", content: "hi" }],
  ...more,
});
/** The same with another question. */
export const user = (content: unknown) => chat({ messages: [{ role: "user", content }] });
