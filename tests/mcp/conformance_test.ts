/**
 * Plays the client scenarios of `@modelcontextprotocol/conformance` 0.1.16 by their names, with a
 * server of ours. The suite's own servers need a program that signs in without a person.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { schedule } from "../../src/lib/clock.ts";
import { createLogins, type McpHttpServer } from "../../src/mcp/oauth/provider.ts";
import { createSignIn } from "../../src/mcp/sign_in.ts";
import { createMcpServers } from "../../src/mcp/servers.ts";
import { listed } from "../support/model/mcp_listed.ts";
import { type Habits, type OAuthServer, startOAuthServer } from "../support/model/mcp_oauth.ts";
import { toolContext } from "../support/model/tools.ts";
import { recordingLog } from "../support/recording_log.ts";
import { tempDirectory } from "../support/temp_directory.ts";

const MAX_SIGN_INS = 3;

/** Lists the tools and calls `add`, and signs in as often as the bot asks, at most three times. */
async function play(
  url: string,
  allow: OAuthServer["allow"],
  oauth?: McpHttpServer["oauth"],
): Promise<{ answer: string; asked: URLSearchParams[] }> {
  using temp = tempDirectory();
  const logins = createLogins(temp.path);
  const target = { url, headers: {}, ...(oauth && { oauth }) };
  const servers = createMcpServers([{ id: "far", transport: { kind: "http", ...target } }], {
    version: "1",
    now: Date.now,
    schedule,
    log: recordingLog().log,
    confine: () => Promise.reject(new Error("no programs here")),
    seen: { look: () => undefined },
    logins,
    onSignIn: () => true,
  });
  const asked: URLSearchParams[] = [];
  try {
    for (;;) {
      await listed(servers);
      const tool = servers.tools().find(({ name }) => /__(?:add|connecting)$/.test(name));
      const answer = await tool?.run({}, toolContext()).catch((error: Error) => error.message) ??
        "";
      if (answer.startsWith("far has connected. ")) continue; // after a sign-in
      const wantsSignIn = /barnacle mcp login far/.test(answer);
      if (!wantsSignIn || asked.length === MAX_SIGN_INS) return { answer, asked };
      const { wantedScope } = logins.read("far", url) ?? {};
      const signIn = await createSignIn(target, "http://127.0.0.1:8/back", Date.now, wantedScope);
      asked.push(new URL(signIn.address).searchParams);
      logins.write("far", await signIn.finish(allow(signIn.address).searchParams));
    }
  } finally {
    await servers.close();
  }
}

const TENANT = { tenant: "/tenant1", resourcePath: "/custom/location.json" };

/** Requests for scopes by sign-in, and what else must hold. */
const SCENARIOS: readonly [
  name: string,
  habits: Habits,
  scopes: readonly (string | null)[],
  check?: (server: OAuthServer) => void,
][] = [
  [
    "auth/metadata-default",
    {},
    ["tools"],
    ({ paths }) => assert.ok(!paths.includes("/.well-known/oauth-protected-resource")),
  ],
  ["auth/metadata-var1", {
    challenge: "",
    metadataPath: "/.well-known/openid-configuration",
  }, ["tools"]],
  ["auth/metadata-var2", {
    challenge: "",
    resourcePath: "/.well-known/oauth-protected-resource",
    tenant: "/tenant1",
    metadataPath: "/.well-known/oauth-authorization-server/tenant1",
  }, ["tools"]],
  [
    "auth/metadata-var3",
    { ...TENANT, metadataPath: "/tenant1/.well-known/openid-configuration" },
    ["tools"],
    ({ paths }) => assert.ok(!paths.includes("/.well-known/oauth-authorization-server")),
  ],
  ["auth/scope-from-www-authenticate", { scope: "basic" }, ["basic"]],
  ["auth/scope-from-scopes-supported", {
    scope: "",
    resource: { scopes_supported: ["basic", "read"] },
  }, ["basic read"]],
  ["auth/scope-omitted-when-undefined", { scope: "" }, [null]],
  ["auth/scope-step-up", {
    scope: "basic",
    callScope: "basic write",
    guardsFrom: "tools/list",
  }, ["basic", "basic write"]],
  ["auth/scope-retry-limit", { callScope: "admin", deniedScope: "admin" }, [
    "tools",
    "tools admin", // and no more without the operator: the test gives up after three
    "tools admin",
  ]],
  [
    "auth/token-endpoint-auth-none",
    {},
    ["tools"],
    ({ tokenAuth, tokenRequests }) =>
      assert.deepEqual([tokenAuth[0], tokenRequests[0]?.get("client_secret")], ["", null]),
  ],
  [
    "auth/token-endpoint-auth-basic",
    {
      clientSecret: "hush",
      metadata: { token_endpoint_auth_methods_supported: ["client_secret_basic"] },
    },
    ["tools"],
    ({ tokenAuth }) => assert.equal(tokenAuth[0], `Basic ${btoa("client-0:hush")}`),
  ],
  [
    "auth/token-endpoint-auth-post",
    {
      clientSecret: "hush",
      metadata: { token_endpoint_auth_methods_supported: ["client_secret_post"] },
    },
    ["tools"],
    ({ tokenRequests }) => assert.equal(tokenRequests[0]?.get("client_secret"), "hush"),
  ],
  [
    "auth/pre-registration",
    {
      metadata: {
        registration_endpoint: undefined,
        token_endpoint_auth_methods_supported: ["client_secret_basic"],
      },
    },
    ["tools"],
    ({ clients, tokenAuth }) =>
      assert.deepEqual([clients, tokenAuth[0]], [[], `Basic ${btoa("ours:hush")}`]),
  ],
  ["auth/2025-03-26-oauth-endpoint-fallback", {
    challenge: "",
    scope: "",
    resourcePath: "",
    metadataPath: "",
  }, [null]],
];

/** Scenarios that other tests play, or that are not for Barnacle. */
const REASONS: Readonly<Record<string, string>> = {
  "initialize": "each scenario here begins with it; its server has no tools, so none can be called",
  "tools_call": "tests/mcp/servers_test.ts",
  "sse-retry": "tests/mcp/http_test.ts",
  "elicitation-sep1034-client-defaults": "a question of a server, which Barnacle does not take",
  "auth/basic-cimd": "Barnacle runs on people's machines and has no page for its client metadata",
  "auth/2025-03-26-oauth-metadata-backcompat":
    "its server names another issuer than its own address, which RFC 8414 says to refuse",
  "auth/resource-mismatch": "tests/mcp/sign_in_test.ts, and a draft",
  "auth/offline-access-scope": "a draft; Barnacle registers for refresh tokens anyway",
  "auth/offline-access-not-supported": "a draft; Barnacle registers for refresh tokens anyway",
  "auth/client-credentials-jwt": "an extension without a person; a token of the config does it",
  "auth/client-credentials-basic": "an extension without a person; a token of the config does it",
  "auth/cross-app-access-complete-flow": "an extension for companies with an own sign-in",
};

describe("[T13] the client scenarios of the MCP conformance suite", () => {
  for (const [name, habits, scopes, check] of SCENARIOS) {
    it(name, async () => {
      await using server = await startOAuthServer();
      Object.assign(server.habits, habits);
      if (name === "auth/metadata-var3") {
        server.habits.challenge = server.origin + habits.resourcePath;
      }
      const { origin: issuer } = server;
      const oauth = name === "auth/pre-registration"
        ? { clientId: "ours", clientSecret: "hush", issuer }
        : undefined;
      const { answer, asked } = await play(server.url, server.allow, oauth);
      assert.deepEqual(asked.map((address) => address.get("scope")), scopes);
      assert.match(answer, habits.deniedScope ? /needs the scopes "admin"/ : /^done as Bearer/);
      check?.(server);
    });
  }

  it("names a reason for each of the others", () => {
    const played = SCENARIOS.map(([name]) => name);
    assert.equal(new Set([...played, ...Object.keys(REASONS)]).size, 26);
  });

  it("auth/scope-step-up › also signs in for calls alone, if only these need a token", async () => {
    await using server = await startOAuthServer();
    server.habits.guardsFrom = "tools/call";
    const { answer, asked } = await play(server.url, server.allow);
    assert.deepEqual([asked.length, answer.slice(0, 7)], [1, "done as"]);
  });

  it("auth/metadata-var3 › signs in at no other issuer than the one that the server names", async () => {
    await using server = await startOAuthServer();
    const challenge = `${server.origin}${TENANT.resourcePath}`;
    Object.assign(server.habits, { ...TENANT, challenge, metadataPath: "" });
    server.habits.metadata = { response_types_supported: ["code"] };
    await play(server.url, server.allow).catch(() => {});
    assert.ok(!server.paths.includes("/.well-known/oauth-authorization-server"));
  });
});
