import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { it } from "node:test";
import { postJson } from "../../src/web/post.ts";

it("[T16] postJson() › follows no redirect: the body and the headers are for one address", async () => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.url ?? "");
    response.writeHead(Number(request.url?.slice(1)) || 200, { location: "/elsewhere" }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const send = (path: string) => {
    const target = { name: "shop", url: `http://127.0.0.1:${port}${path}`, headers: { key: "k" } };
    const { signal } = new AbortController();
    return postJson(target, {}, { fetch, version: "1", signal });
  };
  try {
    for (const status of [301, 302, 303, 307, 308]) {
      await assert.rejects(send(`/${status}`), new RegExp(`shop answered with status ${status}`));
      assert.deepEqual(seen.splice(0), [`/${status}`]);
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
