import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createModel, MODEL_TIMEOUTS } from "../../src/providers/models.ts";
import { settingsFor } from "../support/model/model_server.ts";

const deps = { fetch: globalThis.fetch, now: () => 0 };

describe("createModel()", () => {
  it("[L1] has an id of provider and model", () => {
    const model = createModel(settingsFor({ baseUrl: "http://127.0.0.1:1" }), deps);
    assert.equal(model.id, "local/barnacle-script");
  });

  it("[L1] refuses an invalid baseUrl at once, not at the first request", () => {
    assert.throws(() => createModel(settingsFor({ baseUrl: "localhost" }), deps), TypeError);
  });

  it("[T1] waits at most 60 s for the first byte and 45 s between two", () => {
    assert.deepEqual(MODEL_TIMEOUTS, { firstByteMs: 60_000, betweenBytesMs: 45_000 });
  });

  it("sends no request before iteration", () => {
    let asked = 0;
    const fetch = () => {
      asked++;
      return Promise.reject(new Error("asked"));
    };
    const model = createModel(settingsFor({ baseUrl: "http://127.0.0.1:1" }), { ...deps, fetch });
    model.generate({ system: "", messages: [] }, new AbortController().signal);
    assert.equal(asked, 0);
  });
});
