import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  BODY_VALUES_MAX,
  type HookValues,
  readHookBody,
  readHookEvent,
  renderTemplate,
  templateProblem,
  valuesAt,
} from "../../../src/core/hooks/hook.ts";
import type { HookReading } from "../../../src/core/hooks/hook.ts";
import { toAccountId } from "../../../src/core/discord/ids.ts";

const BODY = {
  name: "we*b_1",
  "odd.name": "odd",
  status: 0,
  ok: false,
  nothing: null,
  message: "\n Use the new mirror\n",
  blank: " \n",
  url: "https://status.example.org/a_b*c",
  evil: "[click](https://evil.example) <@123456789012345678>\n# big\n> quoted",
  alerts: [{ labels: { name: "one" } }, { labels: { name: "two" } }],
};

const values = (body: unknown = BODY): HookValues => ({
  body,
  text: JSON.stringify(body),
  headers: new Headers({ "x-github-event": "issues" }),
});

describe("[W4] renderTemplate()", () => {
  const cases: readonly (readonly [template: string, plain: string, markdown?: string])[] = [
    ["no values", "no values"],
    ["{{ name }} {{name}}", "we*b_1 we*b_1", "we\\*b\\_1 we\\*b\\_1"],
    ['{{ ["odd.name"] }}', "odd"],
    ["{{ status | 0=🔴 down | 1=🟢 up }}", "🔴 down"],
    ["{{ ok }} {{ nothing }}.", "false ."],
    ['– {{ message }}. {{ blank || "none" }}', "– Use the new mirror. none"],
    ["{{ missing || name }}", "we*b_1", "we\\*b\\_1"],
    ['{{ missing || "none" }}', "none"],
    ["{{ alerts[1].labels.name }}", "two"],
    ["{{ alerts[*].labels.name }}", "one, two"],
    ["{{#each alerts}}- {{ labels.name }}\n{{/each}}", "- one\n- two"],
    [
      "{{#each alerts}}{{ @item }}{{/each}}",
      '{\n "labels": {\n  "name": "one"\n }\n}{\n "labels": {\n  "name": "two"\n }\n}',
    ],
    ["{{ @header.X-GitHub-Event }}", "issues"],
    ["{{ constructor }}{{ __proto__ }}{{ name.length }}", ""],
    ["{{ url }}", BODY.url, `<${BODY.url}>`],
    [
      "{{ evil }}",
      BODY.evil,
      "\\[click\\](<https://evil.example>) \\<@123456789012345678>\n\\# big\n\\> quoted",
    ],
  ];
  for (const [template, plain, markdown = plain] of cases) {
    it(`renders ${JSON.stringify(template)}`, () => {
      assert.equal(templateProblem(template), undefined);
      assert.equal(renderTemplate(template, values(), "plain"), plain);
      if (!template.includes("@item")) {
        assert.equal(renderTemplate(template, values(), "markdown"), markdown);
      }
    });
  }

  it("shows 20 items of a long list", () => {
    const body = { list: Array.from({ length: 25 }, (_, index) => index) };
    const text = renderTemplate("{{#each list}}{{ @item }} {{/each}}", values(body), "plain");
    assert.match(text, /^0 1 .* 19 \n… and 5 more$/);
  });

  const wrong: readonly (readonly [template: string, problem: string])[] = [
    ["{{ a b }}", '"a b" is no path, such as alerts[0].labels.name'],
    ["{{ }}", '"" is no path, such as alerts[0].labels.name'],
    ["{{ name", "{{ and }} do not match"],
    ["name }}", "{{ and }} do not match"],
    ["{{#each a}}", "{{#each}} has no {{/each}} after it"],
    ["{{/each}}", "{{/each}} has no {{#each}} before it"],
    ["{{#each a}}{{#each b}}{{/each}}{{/each}}", "{{#each}} within {{#each}} is not possible"],
    ["{{ a | down }}", '"down" must be <value>=<words>'],
    ["{{ a[x] }}", '"a[x]" is no path, such as alerts[0].labels.name'],
    ["{{ @secret }}", '"@secret" is no path, such as alerts[0].labels.name'],
  ];
  for (const [template, problem] of wrong) {
    it(`refuses ${template}`, () => assert.equal(templateProblem(template), problem));
  }
});

it("[W4] valuesAt() › finds all values of a path", () => {
  assert.deepEqual(valuesAt("alerts[*].labels.name", values()), ["one", "two"]);
  assert.deepEqual(valuesAt("status", values()), ["0"]);
  assert.deepEqual(valuesAt("alerts.labels", values()), []);
});

describe("[W1] readHookBody()", () => {
  const read = (text: string, type = "application/json") =>
    readHookBody(new TextEncoder().encode(text), type);
  const good: readonly (readonly [what: string, type: string, text: string, value: unknown])[] = [
    ["JSON", "application/json; charset=utf-8", '{"a":1}', { a: 1 }],
    ["JSON of another name", "application/cloudevents+json", "[1]", [1]],
    ["a form", "application/x-www-form-urlencoded", "a=1&b=%C3%A4", { a: "1", b: "ä" }],
    ["GitHub's form", "application/x-www-form-urlencoded", "payload=%7B%22a%22%3A1%7D", { a: 1 }],
    ["a text", "text/plain", "disk full", "disk full"],
    ["a body without a type", "", "disk full", "disk full"],
  ];
  for (const [what, type, text, value] of good) {
    it(`reads ${what}`, () => {
      const body = read(text, type);
      assert.ok(body.kind === "body");
      assert.deepEqual(body.value, value);
    });
  }

  const many = `{${Array.from({ length: BODY_VALUES_MAX + 2 }, (_, at) => `"k${at}":1`).join()}}`;
  const bad: readonly (readonly [what: string, type: string, text: string, why: string])[] = [
    ["invalid JSON", "application/json", '{"a":', "The body is not valid JSON"],
    ["an empty body", "application/json", "", "The body is not valid JSON"],
    ["too many keys", "application/json", many, "The body has more than 10000 values"],
    [
      "too many fields",
      "application/x-www-form-urlencoded",
      "a&".repeat(10_001),
      "The body has more than 10000 values",
    ],
    ["a deep body", "application/json", "[".repeat(500_000), "The body is nested deeper than 64"],
    ["XML", "application/xml", "<a/>", "Send JSON, a form, or plain text, with its Content-Type"],
  ];
  for (const [what, type, text, why] of bad) {
    it(`refuses ${what}`, () => assert.deepEqual(read(text, type), { kind: "problem", why }));
  }

  it("does not count what a string contains", () => {
    const text = JSON.stringify({ a: `,[{\\"${",".repeat(20_000)}` });
    assert.equal(read(text).kind, "body");
  });

  it("refuses bytes that are no UTF-8", () => {
    assert.deepEqual(readHookBody(new Uint8Array([0xff]), "text/plain"), {
      kind: "problem",
      why: "The body is not UTF-8",
    });
  });
});

describe("[W4] readHookEvent()", () => {
  const read = (rules: HookReading, deliveryId?: string, body: unknown = BODY) =>
    readHookEvent(
      { hook: "h", accountId: toAccountId("default"), rules },
      values(body),
      deliveryId,
    );

  it("takes the whole body without a template, and the id of the header", () => {
    const event = read({}, "delivery-1");
    assert.match(event?.text ?? "", /"name": "we\*b_1"/);
    const { senderId, key, title, post, isEnd } = event ?? {};
    assert.deepEqual([senderId, key, title, isEnd], ["delivery-1", "", "", false]);
    assert.match(post ?? "", /"name": "we\\\*b\\_1"/); // if no model answers
  });

  it("keeps the facts of a long body without a template", () => {
    const urls = Object.fromEntries(
      Array.from({ length: 40 }, (_, at) => [`a${at}_url`, "https://api.github.com/repos/o/r/x"]),
    );
    const user = { login: "a", id: 1, node_id: "U_1", html_url: "https://github.com/ada", ...urls };
    const repository = { id: 2, full_name: "o/r", owner: user, ...urls };
    const page = "https://github.com/o/r/pull/7";
    const event = read({}, undefined, {
      action: "completed",
      number: 7,
      pull_request: {
        url: "https://api.github.com/repos/o/r/pulls/7",
        html_url: page,
        title: "Fix the tide",
        body: "long ".repeat(5_000),
        head: { ref: "tide", repo: repository },
        base: { ref: "main", repo: repository },
        _links: { self: { href: page } },
      },
      check_run: { conclusion: "failure", check_suite_id: 3, output: null },
      repository,
      sender: user,
    });
    const short = { login: "a", html_url: "https://github.com/ada" };
    assert.deepEqual(JSON.parse(event?.text ?? ""), {
      action: "completed",
      number: 7,
      pull_request: {
        html_url: page,
        title: "Fix the tide",
        body: `${"long ".repeat(5_000).slice(0, 1_999)}…`,
        head: { ref: "tide", repo: "o/r" },
        base: { ref: "main", repo: "o/r" },
      },
      check_run: { conclusion: "failure" },
      repository: { full_name: "o/r", owner: short },
      sender: short,
    });
  });

  it("shows 8,000 characters of a body without a template", () => {
    const { text = "" } = read({}, undefined, { lines: "x".repeat(7_000) }) ?? {};
    assert.equal(text.length, 7_000 + '{\n "lines": ""\n}'.length);
    assert.match(read({}, undefined, "y".repeat(9_000))?.text ?? "", /^y{5,}\n\[… \d+ char/);
  });

  it("prefers the id of its template, and names key, state and end", () => {
    const event = read({
      template: "{{ name }}",
      id: "{{ status }}",
      thread: "{{ name }}\n",
      title: "{{ name }} is down",
      ends: { status: ["0", "ok"], "@header.x-github-event": ["issues"] },
    }, "delivery-1");
    const { senderId, key, title, text, post, isEnd } = event ?? {};
    assert.deepEqual(
      [senderId, key, title, text, post, isEnd],
      ["0", "we*b_1", "we\\*b\\_1 is down", "we*b_1", "we\\*b\\_1", true],
    );
  });

  it("tells long ids apart that begin alike", () => {
    const ids = ["a", "b"].map((end) =>
      read({ id: "{{ id }}" }, "x", { id: "x".repeat(300) + end })
    );
    assert.notEqual(ids[0]?.senderId, ids[1]?.senderId);
    assert.equal(read({}, "y".repeat(300))?.senderId, read({}, "y".repeat(300))?.senderId);
  });

  it("keeps addresses whole, and no character that hides or turns others", () => {
    const said = (a: string) => read({ template: "{{ a }}" }, "x", { a })?.post;
    assert.equal(
      said("See https://a.example/x_y_z?b=*c. Then_this"),
      "See <https://a.example/x_y_z?b=*c>. Then\\_this",
    );
    assert.equal(said("https://a.example/A_(b)"), "<https://a.example/A_(b)>");
    assert.equal(said("a\0b\u202ec\u2066d\u0007\te\nf"), "abcd\te\nf");
    assert.equal(said("half \ud83d of a pair"), "half \ufffd of a pair");
    assert.equal(read({ template: "{{ a }}" }, "x", { a: "\ud83d" })?.text, "\ufffd");
  });

  it("leaves out events that do not count", () => {
    assert.equal(read({ only: { status: ["1"] } }), undefined);
    assert.ok(read({ only: { status: ["1", "0"] } }));
    assert.equal(read({ only: { missing: [""] } }), undefined);
  });

  it("bounds everything that it keeps", () => {
    const event = read(
      {
        thread: "{{ a }}",
        title: "{{ a }}",
        id: "{{ a }}",
        template: "{{ a }}{{ a }}{{ a }}{{ a }}{{ a }}",
      },
      "x",
      { a: "x".repeat(100_000) },
    );
    assert.ok(event);
    const sizes = [event.senderId, event.key, event.title, event.text, event.post].map((text) =>
      text?.length ?? 0
    );
    assert.ok(sizes.every((size, at) => size <= [200, 200, 300, 8_100, 1_800][at]!), String(sizes));
  });
});
