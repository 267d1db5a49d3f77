import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { listenForCallback } from "../../src/host/sign_in_callback.ts";

const isOurs = (answer: URLSearchParams) => answer.get("state") === "ours";

describe("[T13] listenForCallback()", () => {
  it("takes the answer of its sign-in, and no other", async () => {
    const callback = await listenForCallback(0);
    try {
      const waiting = callback.wait(isOurs, 60_000);
      const get = (path: string, method = "GET") =>
        fetch(new URL(path, callback.url), { method, headers: { connection: "close" } })
          .then(async (response) => [response.status, await response.text()] as const);
      assert.equal((await get("/callback?state=wrong&code=stolen"))[0], 400);
      assert.equal((await get("/callback?code=stolen"))[0], 400);
      assert.equal((await get("/elsewhere?state=ours"))[0], 404);
      assert.equal((await get("/callback?state=ours", "POST"))[0], 405);
      const [status, page] = await get("/callback?state=ours&code=abc");
      assert.equal(status, 200);
      assert.equal(page.includes("abc"), false);
      assert.equal((await waiting)?.get("code"), "abc");
      assert.match(callback.url, /^http:\/\/127\.0\.0\.1:\d+\/callback$/);
    } finally {
      callback.close();
    }
  });

  it("waits no longer than told", async () => {
    const callback = await listenForCallback(0);
    assert.equal(await callback.wait(isOurs, 1), undefined);
    callback.close();
  });
});
