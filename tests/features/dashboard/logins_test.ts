import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLogins, LINK_MS, SESSION_MS } from "../../../src/features/dashboard/logins.ts";

function logins() {
  const clock = { now: 1_000_000, key: "a secret" };
  const all = createLogins({ now: () => clock.now, key: () => clock.key });
  return { clock, ...all };
}

/** The token of a session. */
function loggedIn({ createLink, login }: Pick<ReturnType<typeof logins>, "createLink" | "login">) {
  const result = login(createLink());
  assert.equal(result.kind, "session");
  return result.kind === "session" ? result.token : "";
}

describe("[O6] createLogins()", () => {
  it("makes tokens of 256 bits, each another one", () => {
    const { createLink } = logins();
    const tokens = [createLink(), createLink(), loggedIn(logins())];
    assert.equal(new Set(tokens).size, 3);
    for (const token of tokens) assert.match(token, /^[\w-]{43}$/);
  });

  it("lets a link log in once", () => {
    const { createLink, login } = logins();
    const link = createLink();
    assert.equal(login(link).kind, "session");
    assert.equal(login(link).kind, "wrong");
  });

  it("lets a link log in within five minutes", () => {
    const { clock, createLink, login } = logins();
    const [first, second] = [createLink(), createLink()];
    clock.now += LINK_MS - 1;
    assert.equal(login(first).kind, "session");
    clock.now += 1;
    assert.equal(login(second).kind, "wrong");
  });

  it("ends a session after hours, and by a logout", () => {
    const all = logins();
    const [first, second] = [loggedIn(all), loggedIn(all)];
    assert.equal(all.check(first), "right");
    assert.ok(all.lasts(first));
    all.logout(first);
    assert.ok(!all.lasts(first));
    assert.equal(all.check(first), "wrong");
    all.clock.now += SESSION_MS - 1;
    assert.equal(all.check(second), "right");
    all.clock.now += 1;
    assert.equal(all.check(second), "wrong");
  });

  it("ends links and sessions when a secret of the bot is rotated", () => {
    const all = logins();
    const [link, session] = [all.createLink(), loggedIn(all)];
    all.clock.key = "another secret";
    assert.equal(all.check(session), "wrong");
    assert.equal(all.login(link).kind, "wrong");
  });

  it("takes no link as a session, and no session as a link", () => {
    const all = logins();
    assert.equal(all.check(all.createLink()), "wrong");
    assert.equal(all.login(loggedIn(all)).kind, "wrong");
  });

  it("limits wrong tokens, but keeps sessions and links", () => {
    const all = logins();
    const session = loggedIn(all);
    const link = all.createLink();
    for (let count = 0; count < 10; count++) assert.equal(all.check(`wrong ${count}`), "wrong");
    assert.equal(all.check("wrong"), "limited");
    assert.equal(all.login("wrong").kind, "limited");
    assert.equal(all.check(session), "right");
    assert.equal(all.login(link).kind, "session"); // a program that tries keeps no owner out
    all.clock.now += 60_001;
    assert.equal(all.check("wrong"), "wrong");
  });

  it("is news for the log only until the limit, and once there", () => {
    const { clock, login } = logins();
    const news = () =>
      Array.from({ length: 1_000 }, () => login("wrong")).map((result) =>
        result.kind !== "session" && result.isNews ? result.kind : ""
      ).filter((kind) => kind !== "");
    const first = [...Array.from({ length: 10 }, () => "wrong"), "limited"];
    assert.deepEqual(news(), first);
    assert.deepEqual(news(), []);
    clock.now += 61_000;
    assert.deepEqual(news(), first);
  });

  it("keeps few links and sessions: the oldest makes room", () => {
    const all = logins();
    const links = Array.from({ length: 5 }, all.createLink);
    assert.equal(all.login(links[0] ?? "").kind, "wrong");
    assert.equal(all.login(links[1] ?? "").kind, "session");
    const sessions = Array.from({ length: 17 }, () => loggedIn(all));
    assert.equal(all.check(sessions[0] ?? ""), "wrong");
    assert.equal(all.check(sessions[1] ?? ""), "right");
  });
});
