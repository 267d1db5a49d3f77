import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createModel, MODEL_TIMEOUTS } from "../../src/providers/models.ts";
import { settingsFor } from "../support/model/model_server.ts";

const deps = { fetch: globalThis.fetch, now: () => 0 };

describe("createModel()", () => {
  it("[L1] is known by provider and model", () => {
    const model = createModel(settingsFor({ baseUrl: "http://127.0.0.1:1" }), deps);
    assert.equal(model.id, "local/barnacle-script");
  });

  it("[L1] refuses an address that is none at once, not at the first question", () => {
    assert.throws(() => createModel(settingsFor({ baseUrl: "localhost" }), deps), TypeError);
  });

  it("[T1] gives a model 60 s to its first byte and 45 s between two", () => {
    assert.deepEqual(MODEL_TIMEOUTS, { firstByteMs: 60_000, betweenBytesMs: 45_000 });
  });

  it("asks nobody before it is iterated", () => {
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
