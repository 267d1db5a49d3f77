import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { describe, it } from "node:test";
import { createAskPluralkit } from "../../src/pluralkit/client.ts";
import { messageId } from "../support/discord/builders.ts";
import { createSilentBody } from "../support/network/silent_body.ts";
import { sameData } from "../support/same_data.ts";
import { listening } from "../support/network/listening.ts";

const ID = messageId("1400000000000000500");
/** A message from PluralKit's documentation, with keys that Barnacle does not use. */
const MESSAGE = {
  timestamp: "2026-01-01T00:00:00Z",
  id: ID,
  original: "1400000000000000499",
  sender: "123456789012345678",
  channel: "1400000000000000011",
  guild: "1400000000000000010",
  system: { id: "exmpl", uuid: "u", name: "The Crew", tag: "| crew" },
  member: { id: "abcde", uuid: "u", name: "Aria", display_name: "Aria ✨", proxy_tags: [] },
};
const FOUND = {
  kind: "found",
  proxied: {
    id: ID,
    original: "1400000000000000499",
    sender: "123456789012345678",
    channelId: "1400000000000000011",
    guildId: "1400000000000000010",
    member: { memberId: "abcde", name: "Aria", displayName: "Aria ✨", system: "The Crew" },
  },
};

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Runs a server in PluralKit's place, on the loopback interface. */
async function withServer(handler: Handler, run: (apiUrl: string) => Promise<void>): Promise<void> {
  const server = createServer(handler);
  const port = await listening(server);
  try {
    await run(`http://127.0.0.1:${port}/v2/`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const answering = (status: number, body: unknown, headers = {}): Handler => (_, response) => {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
};

const askOf = (apiUrl: string, token?: string) =>
  createAskPluralkit({ fetch, apiUrl, version: "1.2.3", ...(token !== undefined && { token }) });
const never = new AbortController().signal;

describe("[P13] createAskPluralkit()", () => {
  it("requests the message by its id, with token and User-Agent", async () => {
    const seen: IncomingMessage[] = [];
    const handler: Handler = (request, response) => {
      seen.push(request);
      answering(200, MESSAGE)(request, response);
    };
    await withServer(handler, async (apiUrl) => {
      assert.deepEqual(await askOf(apiUrl, "s3cret")(ID, never), FOUND);
      await askOf(apiUrl)(ID, never);
    });
    const [first, second] = seen;
    assert.equal(first?.method, "GET");
    assert.equal(first?.url, `/v2/messages/${ID}`);
    assert.match(String(first?.headers["user-agent"]), /^Barnacle\/1\.2\.3 /);
    assert.equal(first?.headers.authorization, "s3cret");
    assert.equal(second?.headers.authorization, undefined);
  });

  const { system: _system, guild: _guild, ...bare } = MESSAGE;
  const answers: readonly [what: string, status: number, body: unknown, expected: unknown][] = [
    ["a message without system and guild", 200, { ...bare, system: null }, {
      kind: "found",
      proxied: {
        id: ID,
        original: "1400000000000000499",
        sender: "123456789012345678",
        channelId: "1400000000000000011",
        member: { memberId: "abcde", name: "Aria", displayName: "Aria ✨" },
      },
    }],
    ["a system with a private name", 200, { ...MESSAGE, system: { name: null } }, {
      kind: "found",
      proxied: {
        ...FOUND.proxied,
        member: { memberId: "abcde", name: "Aria", displayName: "Aria ✨" },
      },
    }],
    ["no such message", 404, { message: "Message not found.", code: 20006 }, { kind: "none" }],
    ["too many requests", 429, { message: "429: too many requests", retry_after: 19 }, {
      kind: "again",
      reason: "HTTP 429",
      waitMs: 19,
    }],
    ["too many, without a time", 429, "slow down", { kind: "again", reason: "HTTP 429" }],
    ["an outage", 503, "<html>", { kind: "again", reason: "HTTP 503" }],
    ["an invalid token", 401, { code: 0 }, { kind: "failed", reason: "HTTP 401" }],
    ["a refused request", 400, {}, { kind: "failed", reason: "HTTP 400" }],
  ];
  for (const [what, status, body, expected] of answers) {
    it(`reads ${what}`, async () => {
      await withServer(answering(status, body), async (apiUrl) => {
        sameData(await askOf(apiUrl)(ID, never), expected);
      });
    });
  }

  const garbage: readonly [form: string, body: unknown][] = [
    ["no JSON", "<html>Sign in to the Wi-Fi"],
    ["nothing", ""],
    ["JSON of another form", { data: [] }],
    ["ids that are numbers", { ...MESSAGE, sender: 123456789012345678 }],
    ["ids that are none", { ...MESSAGE, original: "-1" }],
    ["a list", [MESSAGE]],
  ];
  for (const [form, body] of garbage) {
    it(`does not accept ${form} as PluralKit's answer`, async () => {
      await withServer(answering(200, body), async (apiUrl) => {
        assert.deepEqual(await askOf(apiUrl)(ID, never), {
          kind: "again",
          reason: "an answer that is not PluralKit's",
        });
      });
    });
  }

  for (const member of [null, undefined, {}, { id: "abcde" }, { id: "", name: "Aria" }]) {
    it(`[SEC-R33] returns no member for ${JSON.stringify(member)}`, async () => {
      await withServer(answering(200, { ...MESSAGE, member }), async (apiUrl) => {
        const answer = await askOf(apiUrl)(ID, never);
        assert.ok(answer.kind === "found" && answer.proxied.member === undefined);
      });
    });
  }

  it("limits the length of an answer, and closes the connection", async () => {
    let written = 0;
    const closed = Promise.withResolvers<void>();
    const endless: Handler = (_, response) => {
      response.on("close", () => closed.resolve());
      const chunk = " ".repeat(64 * 1_024);
      const pour = (): void => {
        if (response.destroyed || written > 256 * chunk.length) return void response.end();
        written += chunk.length;
        response.write(chunk, () => setImmediate(pour));
      };
      pour();
    };
    await withServer(endless, async (apiUrl) => {
      const answer = await askOf(apiUrl)(ID, never);
      assert.equal(answer.kind, "again");
      await closed.promise;
    });
    assert.ok(written < 256 * 64 * 1_024, `${written} bytes`);
  });

  it("follows no redirect, because another server must not get the token", async () => {
    const elsewhere: Handler = (request, response) =>
      request.url?.startsWith("/v2/")
        ? answering(302, "", { location: "/trap" })(request, response)
        : answering(200, MESSAGE)(request, response);
    await withServer(elsewhere, async (apiUrl) => {
      assert.equal((await askOf(apiUrl, "s3cret")(ID, never)).kind, "again");
    });
  });

  for (const where of ["before its head", "within its body"]) {
    it(`ends with its signal if an answer hangs ${where}`, async () => {
      const stop = new AbortController();
      const hang: Handler = (_, response) => {
        if (where === "within its body") response.write('{ "id": ');
        setTimeout(() => stop.abort(), 20); // when it hangs
      };
      await withServer(hang, async (apiUrl) => {
        assert.deepEqual(await askOf(apiUrl)(ID, stop.signal), {
          kind: "again",
          reason: "no answer in time",
        });
      });
    });
  }

  it("ends with its signal if a body ignores it", async () => {
    const { stream, isCancelled } = createSilentBody('{ "id": ');
    const fetch = () => Promise.resolve(new Response(stream));
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 20);
    const ask = createAskPluralkit({ fetch, apiUrl: "http://a.example", version: "1.2.3" });
    assert.deepEqual(await ask(ID, stop.signal), { kind: "again", reason: "no answer in time" });
    assert.ok(isCancelled());
  });

  it("gives the reason of a failed connection, and never the token", async () => {
    const answer = await askOf("http://127.0.0.1:1/v2", "s3cret")(ID, never);
    assert.ok(answer.kind === "again" && answer.reason.length > 0);
    assert.doesNotMatch(JSON.stringify(answer), /s3cret/);
  });
});
