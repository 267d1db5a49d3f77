import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createOAuthFetch } from "../../src/mcp/oauth/fetch.ts";
import { createSignIn } from "../../src/mcp/sign_in.ts";
import type { McpHttpServer } from "../../src/mcp/oauth/provider.ts";
import { type Habits, type OAuthServer, startOAuthServer } from "../support/model/mcp_oauth.ts";

const BACK = "http://127.0.0.1:8765/callback";
const NOW = 1_800_000_000_000;

const begin = ({ url }: OAuthServer, oauth?: McpHttpServer["oauth"]) =>
  createSignIn({ url, headers: {}, ...(oauth && { oauth }) }, BACK, () => NOW);

describe("[T13] createSignIn()", () => {
  it("registers Barnacle, sends a challenge, a state and the resource, and gets tokens", async () => {
    await using server = await startOAuthServer();
    const signIn = await begin(server);
    const address = new URL(signIn.address).searchParams;
    assert.equal(address.get("code_challenge_method"), "S256");
    assert.equal(address.get("resource"), server.url);
    assert.equal(address.get("scope"), "tools");
    assert.equal(address.get("redirect_uri"), BACK);
    assert.ok((address.get("state") ?? "").length >= 32);
    assert.deepEqual(server.clients.map((client) => client["redirect_uris"]), [[BACK]]);
    const login = await signIn.finish(server.allow(signIn.address).searchParams);
    assert.equal(login.url, server.url);
    assert.equal(login.tokens?.access_token, "access-token-1");
    assert.equal(login.expiresAt, NOW + 3_600_000);
    assert.equal(login.client?.client_id, "client-0");
    assert.equal(server.tokenRequests[0]?.get("resource"), server.url);
  });

  const forms: readonly [what: string, token: object, sec: number | undefined][] = [
    ["expires_in as text", { expires_in: "60" }, 60],
    ["no type, else null", { token_type: undefined, scope: null, expires_in: null }, undefined],
    ["other types", { token_type: null, scope: 5, expires_in: {}, id_token: null }, undefined],
  ];
  for (const [what, token, sec] of forms) {
    it(`takes a token with ${what}`, async () => {
      await using server = await startOAuthServer();
      server.habits.token = token;
      const signIn = await begin(server);
      const { tokens, expiresAt } = await signIn.finish(server.allow(signIn.address).searchParams);
      assert.deepEqual([tokens?.token_type, tokens?.scope], ["Bearer", "tools"]);
      assert.equal(expiresAt, sec && NOW + sec * 1_000);
    });
  }

  it("takes metadata with null for absent fields, and a slash at the end of the resource", async () => {
    await using server = await startOAuthServer();
    server.habits.resource = { resource: `${server.url}/`, scopes_supported: null };
    server.habits.metadata = { scopes_supported: null, grant_types_supported: null };
    const signIn = await begin(server);
    assert.equal(new URL(signIn.address).searchParams.get("resource"), `${server.url}/`);
    const login = await signIn.finish(server.allow(signIn.address).searchParams);
    assert.equal(login.tokens?.access_token, "access-token-1");
  });

  it("uses the client of the config, and only at its authorization server", async () => {
    await using server = await startOAuthServer();
    const client = {
      clientId: "ours",
      clientSecret: "hunter",
      issuer: server.origin,
      scope: "a b",
    };
    const signIn = await begin(server, client);
    assert.equal(new URL(signIn.address).searchParams.get("client_id"), "ours");
    assert.equal(new URL(signIn.address).searchParams.get("scope"), "a b");
    assert.deepEqual(server.clients, []);
    await signIn.finish(server.allow(signIn.address).searchParams);
    assert.equal(server.tokenRequests[0]?.get("client_secret"), "hunter");
    await assert.rejects(
      begin(server, { ...client, issuer: "https://auth.example" }),
      /does not match the issuer/,
    );
  });

  it("takes no answer with another state, and no refusal for a code", async () => {
    await using server = await startOAuthServer();
    const signIn = await begin(server);
    const answer = server.allow(signIn.address).searchParams;
    const foreign = new URLSearchParams({ code: answer.get("code") ?? "", state: "another" });
    assert.equal(signIn.isOurs(foreign), false);
    await assert.rejects(signIn.finish(foreign), /another sign-in/);
    assert.deepEqual(server.tokenRequests, []);
    const state = answer.get("state") ?? "";
    const refusal = new URLSearchParams({ error: "access_denied", state });
    await assert.rejects(signIn.finish(refusal), /was refused: access_denied/);
    const elsewhere = new URLSearchParams([...answer, ["iss", "https://evil.example"]]);
    await assert.rejects(signIn.finish(elsewhere), /does not match expected issuer/);
    assert.deepEqual(server.tokenRequests, []);
  });

  it("says if a server wants no sign-in", async () => {
    await using server = await startOAuthServer();
    server.habits.isOpen = true;
    await assert.rejects(begin(server), /wants no sign-in/);
  });

  const refused: readonly [what: string, habits: Habits, why: RegExp][] = [
    ["another origin", { challenge: "https://evil.example/metadata" }, /same origin as the MCP/],
    [
      "metadata of another resource",
      { resource: { resource: "https://bank.example/mcp" } },
      /does not match expected/,
    ],
    [
      "an authorization server on the private network",
      { resource: { authorization_servers: ["http://10.0.0.1"] } },
      /not allowed/,
    ],
    [
      "metadata with another issuer",
      { metadata: { issuer: "https://bank.example" } },
      /does not match expected issuer/,
    ],
    [
      "a token address on the private network",
      { metadata: { registration_endpoint: "http://192.168.0.1/register" } },
      /not allowed/,
    ],
    ["metadata without PKCE", { metadata: { code_challenge_methods_supported: [] } }, /S256/],
    ["metadata without an end", { isEndless: true }, /more than 256 KiB/],
    [
      "an address for the browser that is a script",
      { metadata: { authorization_endpoint: "javascript:alert(1)" } },
      /is invalid: authorization_endpoint: /,
    ],
  ];
  for (const [what, habits, why] of refused) {
    it(`refuses ${what}`, async () => {
      await using server = await startOAuthServer();
      Object.assign(server.habits, habits);
      await assert.rejects(begin(server), why);
    });
  }

  it("sends code and secrets to no redirect", async () => {
    await using server = await startOAuthServer();
    await using other = await startOAuthServer();
    const signIn = await begin(server);
    server.habits.redirectsTo = `${other.origin}/token`;
    await assert.rejects(
      signIn.finish(server.allow(signIn.address).searchParams),
      /redirects a request with secrets/,
    );
    assert.deepEqual(other.tokenRequests, []);
  });
});

const addresses = (...found: string[]) => () =>
  Promise.resolve(found.map((address) => ({ address })));

it("[T13] [SEC-R23] createOAuthFetch() › reaches other servers only on the public internet, and over https", async () => {
  const fetchOAuth = createOAuthFetch(
    "https://mcp.example/mcp",
    addresses("93.184.216.34", "10.0.0.1"),
  );
  const rows: readonly (readonly [string, RegExp])[] = [
    ["https://auth.example/token", /not on the public internet/],
    ["https://169.254.169.254/token", /not on the public internet/],
    ["http://auth.example/token", /no https/],
    ["https://127.0.0.1:9/token", /not on the public internet/],
    ["https://[::1]:9/token", /not on the public internet/],
    ["https://localhost:9/token", /not on the public internet/],
    ["http://127.0.0.1:9/token", /no https/],
    ["http://localhost:9/token", /no https/],
  ];
  for (const [url, why] of rows) await assert.rejects(fetchOAuth(url), why, url);
  const none = createOAuthFetch("https://mcp.example/mcp", addresses());
  await assert.rejects(none("https://auth.example/token"), /not on the public internet/);
});
