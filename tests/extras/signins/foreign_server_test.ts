/** Tests people's sign-ins with an authorization server of others (T13a). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { UserId } from "../../../src/core/discord/ids.ts";
import type { Decision } from "../../../src/core/people/question.ts";
import { WaitsForPerson } from "../../../src/core/turn/tool.ts";
import { createSignInTool } from "../../../src/extras/signins/own_servers.ts";
import { createPeople, type EachServer } from "../../../src/extras/signins/people.ts";
import { schedule } from "../../../src/lib/clock.ts";
import { beginSignIn, NotYetError } from "../../../src/mcp/sign_in.ts";
import { directMessage } from "../../support/discord/builders.ts";
import { type ForeignServer, startForeignServer } from "../../support/model/oidc_accounts.ts";
import { toolContext } from "../../support/model/tools.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const BACK = "http://127.0.0.1:8765/callback";
const ADA = "1" as UserId;
const DEVICE = { deviceFlow: { enabled: true } };

const calOf = ({ url }: ForeignServer): EachServer => ({
  id: "cal",
  transport: { kind: "http", url, headers: {}, isEach: true },
});

const CONTEXT = toolContext({ message: directMessage(), callKey: "1:1", sessionKey: "" });

/** The agenda that a login shows. */
async function agendaWith(
  server: ForeignServer,
  login: Awaited<ReturnType<Awaited<ReturnType<typeof beginSignIn>>["finish"]>>,
) {
  using folder = tempDirectory();
  const people = createPeople({
    accountId: "default",
    dataDir: folder.path,
    secret: () => "secret",
    servers: () => [calOf(server)],
    hasLeft: () => Promise.resolve(false),
    ports: { version: "1", now: Date.now, schedule, log: recordingLog().log },
  });
  try {
    people.keep(ADA, calOf(server), login);
    await people.ready(ADA, calOf(server));
    const tool = people.tools(ADA, calOf(server)).find(({ name }) => name === "mcp__cal__agenda");
    return await tool?.run({}, CONTEXT);
  } finally {
    await people.close();
  }
}

describe("[T13a] a sign-in at oidc-provider", () => {
  it("comes back from the browser, counts once, and shows the account", async () => {
    await using server = await startForeignServer();
    const begun = await beginSignIn(calOf(server).transport, BACK, Date.now, undefined, true);
    assert.equal(begun.device, undefined);
    const back = await server.visit(begun.address, "ada");
    assert.equal(back?.origin, "http://127.0.0.1:8765");
    const answer = back?.searchParams ?? new URLSearchParams();
    const login = await begun.finish(answer);
    assert.match(await agendaWith(server, login) ?? "", /^agenda of ada,/);
    await assert.rejects(begun.finish(answer), "the code counts once");
  });

  it("takes the code of a device, where the server has this flow", async () => {
    await using server = await startForeignServer(DEVICE);
    const begun = await beginSignIn(calOf(server).transport, BACK, Date.now, undefined, true);
    const { code = "", answer = new URLSearchParams() } = begun.device ?? {};
    await assert.rejects(
      begun.finish(answer),
      ({ cause }: Error) => cause instanceof NotYetError,
      "no one has entered the code",
    );
    assert.equal(await server.visit(begun.address, "ada", code), undefined);
    const login = await begun.finish(answer);
    assert.match(await agendaWith(server, login) ?? "", /^agenda of ada,/);
    await assert.rejects(begun.finish(answer), "the code counts once");
  });

  it("shows the code on a card, which waits for the person", async () => {
    await using server = await startForeignServer(DEVICE);
    const kept: string[] = [];
    const tool = createSignInTool({
      ...{ now: Date.now, publicUrl: () => undefined },
      people: { loginAt: () => undefined, isSignedIn: () => false },
      keep: (_, { id }, { tokens }) =>
        Promise.resolve(`${kept.push(`${id} ${tokens?.token_type}`)}`),
    })(calOf(server));
    const asked = async (decision?: Decision) => {
      const ended = tool.run({}, { ...CONTEXT, decision, mayWait: true });
      return await ended.catch((error: unknown) => {
        if (error instanceof WaitsForPerson) return error.question;
        throw error;
      });
    };
    const goOn = { kind: "answered", answer: { choice: "done" } } as const;
    const first = await asked();
    assert.ok(typeof first === "object");
    const { exact: code = "", link: { url: address } = assert.fail() } = first;
    assert.match(first.text, new RegExp(`at ${new URL(server.url).host} with your own account`));
    assert.deepEqual(first.choices.map(({ label, key }) => label ?? key), ["Go on", "deny"]);
    const again = await asked(goOn);
    assert.ok(typeof again === "object");
    assert.match(again.text, /^The server knows no sign-in yet\./);
    assert.equal(again.exact, first.exact);
    await server.visit(address, "ada", code);
    assert.equal(await asked(goOn), "1");
    assert.deepEqual(kept, ["cal Bearer"]);
    const anew = await asked(goOn);
    assert.ok(typeof anew === "object" && anew.exact !== first.exact, "a code counts once");
  });

  it("has no code of a device for the operator, nor for a bot with a public address", async () => {
    await using server = await startForeignServer(DEVICE);
    const begun = await beginSignIn(calOf(server).transport, BACK, Date.now);
    assert.equal(begun.device, undefined);
    const back = await server.visit(begun.address, "grace");
    const login = await begun.finish(back?.searchParams ?? new URLSearchParams());
    assert.match(await agendaWith(server, login) ?? "", /^agenda of grace,/);
  });
});
