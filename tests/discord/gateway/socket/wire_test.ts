import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { identifyPayload, presencePayload } from "../../../../src/discord/gateway/socket/frame.ts";
import type { Presence } from "../../../../src/core/discord/gateway.ts";
import { gatewayOptions, TOKEN } from "../../../support/gateway/gateway_shard.ts";
import { sameData } from "../../../support/same_data.ts";

describe("[G2] identifyPayload()", () => {
  it("contains the fields that Discord requires, below its 4,096 bytes", () => {
    const options = gatewayOptions("ws://127.0.0.1", { intents: 513, shardCount: 4 });
    const payload = identifyPayload(options, 3);
    const text = JSON.stringify(payload);
    assert.ok(text.length < 4_096);
    const { token, intents, properties, shard } = JSON.parse(text);
    assert.deepEqual([token, intents, shard], [TOKEN, 513, [3, 4]]);
    assert.deepEqual(Object.keys(properties), ["os", "browser", "device"]);
  });
});

describe("[G2] presencePayload()", () => {
  it("shows the activity as a custom status", () => {
    const reading = { type: "custom", name: "reading" } as const;
    assert.deepEqual(presencePayload({ status: "idle", activity: reading }), {
      since: null,
      activities: [{ name: "Custom Status", type: 4, state: "reading" }],
      status: "idle",
      afk: false,
    });
    assert.deepEqual(presencePayload({ status: "invisible" }), {
      since: null,
      activities: [],
      status: "invisible",
      afk: false,
    });
  });

  it("[T3] shows other activities by their kind, and links only if given", () => {
    const of = (activity: NonNullable<Presence["activity"]>) =>
      Object(presencePayload({ status: "online", activity }))["activities"][0];
    sameData(of({ type: "watching", name: "the tide" }), { name: "the tide", type: 3 });
    const url = "https://www.twitch.tv/krill";
    assert.deepEqual(of({ type: "streaming", name: "tides", url }), {
      name: "tides",
      type: 1,
      url,
    });
  });

  it("is part of IDENTIFY", () => {
    const options = gatewayOptions("ws://127.0.0.1", { presence: { status: "dnd" } });
    const payload = JSON.parse(JSON.stringify(identifyPayload(options, 0)));
    assert.deepEqual(payload.presence, presencePayload({ status: "dnd" }));
    assert.deepEqual(payload.shard, [0, 1]);
  });
});
