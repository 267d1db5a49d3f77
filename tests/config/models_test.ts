import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Env } from "../../src/lib/env.ts";
import { LOCAL_SERVERS, type ResolvedModels, resolveModels } from "../../src/config/models.ts";
import { configOf, load, problemLines } from "./support.ts";

async function resolved(agents: string, providers = "", env: Env = {}): Promise<ResolvedModels> {
  const config = await configOf(
    `{"agents":{${agents}},"models":{"providers":{${providers}}}}`,
    { env },
  );
  return resolveModels({ ...config.models, ...config.agentList[0].models }, env);
}

/** `"<provider> <kind> <address> <key> <model>"` of each choice, or the problem. */
function said(models: ResolvedModels): readonly string[] {
  switch (models.kind) {
    case "problem":
      return [`problem: ${models.message}`];
    case "discover":
      return models.providers.map(({ baseUrl }) => `discover ${baseUrl}`);
    case "chosen":
      return models.choices.map(({ provider: { id, kind, baseUrl, apiKey }, model }) => {
        return [id, kind, baseUrl, apiKey?.reveal() ?? "-", model].join(" ");
      });
  }
}

const DEFAULT = (model: string) => `"defaults":{"model":${JSON.stringify(model)}}`;
const OPENAI = "https://api.openai.com/v1";
const GOOGLE = "https://generativelanguage.googleapis.com/v1beta";
const OWN = '"x":{"kind":"openai-compatible","baseUrl":"http://x/v1/"}';

describe("[L1] an unknown provider", () => {
  const cases: readonly (readonly [text: string, path: string, hint: RegExp])[] = [
    [
      '"agents":{"defaults":{"model":"opnai/gpt-5"}}',
      "agents.defaults.model",
      /^did you mean "openai\/gpt-5"\? /,
    ],
    [
      '"agents":{"defaults":{"model":{"primary":"olama/x"}}}',
      "agents.defaults.model.primary",
      /"ollama\/x"/,
    ],
    [
      '"agents":{"list":[{"id":"a","model":"constructor/a"}]}',
      "agents.list[0].model",
      /^add models\.providers\.constructor, or use one of openai, /,
    ],
    [
      '"agents":{"defaults":{"model":{"primary":"ollama/x","fallbacks":["mine/y"]}}}',
      "agents.defaults.model.fallbacks[0]",
      /add models\.providers\.mine/,
    ],
    ['"audio":{"transcribe":"opena/x"}', "audio.transcribe", /"openai\/x"/],
    ['"audio":{"speak":"opena/x"}', "audio.speak", /"openai\/x"/],
    ['"tools":{"draw":"opena/x"}', "tools.draw", /"openai\/x"/],
  ];
  for (const [text, path, hint] of cases) {
    it(`is an error at ${path}, with a suggestion`, async () => {
      const loaded = await load(`{${text}}`);
      assert.equal(loaded.kind, "refused");
      const [problem] = loaded.problems.filter(({ severity }) => severity === "error");
      assert.equal(problem?.path, path);
      assert.match(problem?.message ?? "", /names an unknown provider: /);
      assert.match(problem?.hint ?? "", hint);
    });
  }

  it("is no error for a provider of the config, a vendor without a key, or a local server", async () => {
    for (const name of ["mine/x", "openai/x", "anthropic/x", "lmstudio/x"]) {
      const model = `"agents":{"defaults":{"model":"${name}"}}`;
      const own =
        `"models":{"providers":{"mine":{"kind":"openai-compatible","baseUrl":"http://x"}}}`;
      assert.equal((await load(`{${model},${own}}`)).kind, "loaded", name);
    }
  });
});

describe("[L1] [L2] resolveModels()", () => {
  const cases: readonly (readonly [string, string, string, Env, readonly string[]])[] = [
    ["a provider of the config", DEFAULT("x/a/b"), OWN, {}, [
      "x openai-compatible http://x/v1 - a/b",
    ]],
    [
      "the agent's model over the default",
      `${DEFAULT("x/a")},"list":[{"id":"m","model":"x/b"}]`,
      OWN,
      {},
      ["x openai-compatible http://x/v1 - b"],
    ],
    [
      "fallbacks in their order",
      '"defaults":{"model":{"primary":"x/a","fallbacks":["x/b","ollama/c"]}}',
      OWN,
      {},
      [
        "x openai-compatible http://x/v1 - a",
        "x openai-compatible http://x/v1 - b",
        "ollama openai-compatible http://127.0.0.1:11434/v1 - c",
      ],
    ],
    ["a vendor of the environment by name", DEFAULT("openai/a"), "", { OPENAI_API_KEY: "k" }, [
      `openai openai-compatible ${OPENAI} k a`,
    ]],
    ["a vendor and a model of the environment", "", "", {
      OPENAI_API_KEY: " k ",
      OPENAI_MODEL: "a",
      OPENAI_BASE_URL: "http://y/v1/",
    }, ["openai openai-compatible http://y/v1 k a"]],
    ["Anthropic", "", "", { ANTHROPIC_API_KEY: "k", ANTHROPIC_MODEL: "a" }, [
      "anthropic anthropic https://api.anthropic.com/v1 k a",
    ]],
    ["a server of the environment without a key", "", "", { OPENAI_BASE_URL: "http://y/v1" }, [
      "discover http://y/v1",
    ]],
    [
      "OpenAI's second API, at the vendor's address",
      DEFAULT("o/a"),
      '"o":{"kind":"openai-responses"}',
      { OPENAI_API_KEY: "k" },
      [`o openai-responses ${OPENAI} k a`],
    ],
    ["local servers without any setting", "", "", {}, [
      "discover http://127.0.0.1:11434/v1",
      "discover http://127.0.0.1:8080/v1",
      "discover http://127.0.0.1:1234/v1",
    ]],
    ["no empty variable", "", "", { OPENAI_API_KEY: " ", OPENAI_MODEL: "a" }, [
      ...LOCAL_SERVERS.map(({ baseUrl }) => `discover ${baseUrl}`),
    ]],
    ["a key without a model", "", "", { OPENAI_API_KEY: "k" }, [
      "problem: OPENAI_API_KEY is set, but no model is named",
    ]],
    ["Google's model of the environment", "", "", { GEMINI_API_KEY: "k", GEMINI_MODEL: "a" }, [
      `google google ${GOOGLE} k a`,
    ]],
    ["Google's models by name", DEFAULT("google/a"), "", { GEMINI_API_KEY: "k" }, [
      `google google ${GOOGLE} k a`,
    ]],
    [
      "a provider of the config named google",
      DEFAULT("google/a"),
      OWN.replace("x", "google"),
      {},
      ["google openai-compatible http://x/v1 - a"],
    ],
    ["a vendor without its key", DEFAULT("anthropic/a"), "", {}, [
      'problem: The model "anthropic/a" needs ANTHROPIC_API_KEY, which is not set',
    ]],
    ["a provider without an address", DEFAULT("y/a"), '"y":{"kind":"openai-compatible"}', {}, [
      "problem: The provider has no address",
    ]],
    [
      "the environment's key for a vendor that the config names",
      DEFAULT("openai/a"),
      '"openai":{"kind":"openai-compatible"}',
      { OPENAI_API_KEY: "k" },
      [`openai openai-compatible ${OPENAI} k a`],
    ],
    [
      "the config's key to the vendor itself",
      DEFAULT("openai/a"),
      '"openai":{"kind":"openai-compatible","apiKey":"own"}',
      { OPENAI_API_KEY: "k", OPENAI_BASE_URL: "http://y" },
      [`openai openai-compatible ${OPENAI} own a`],
    ],
  ];
  for (const [name, agents, providers, env, expected] of cases) {
    it(`resolves ${name}`, async () => {
      assert.deepEqual(said(await resolved(agents, providers, env)), expected);
    });
  }

  it("[C8] sends no key of the environment to an address in the config", async () => {
    const env = { OPENAI_API_KEY: "k", ANTHROPIC_API_KEY: "k", GEMINI_API_KEY: "k" };
    const vendors = [
      ["openai", "openai-compatible"],
      ["anthropic", "anthropic"],
      ["google", "google"],
    ];
    for (const [id, kind] of vendors) {
      const provider = `"${id}":{"kind":"${kind}","baseUrl":"http://elsewhere"}`;
      const models = await resolved(DEFAULT(`${id}/a`), provider, env);
      assert.deepEqual(said(models), [`${id} ${kind} http://elsewhere - a`]);
    }
  });
});

describe("[L1] the address of a server", () => {
  const AZURE = "https://a.example/openai/deployments/d";
  const addresses: readonly (readonly [written: string, completed: string])[] = [
    ["localhost:11434", "http://localhost:11434"],
    ["192.168.1.5:8000/v1/", "http://192.168.1.5:8000/v1"],
    ["ollama:11434", "http://ollama:11434"],
    ["[::1]:8080", "http://[::1]:8080"],
    ["api.example.com/v1", "https://api.example.com/v1"],
    ["http://x/v1/chat/completions", "http://x/v1"],
    ["http://x/v1/responses/", "http://x/v1"],
    ["http://x/v1/models/gpt-5", "http://x/v1"],
    ["http://x:11434/api/chat", "http://x:11434"],
    [`${AZURE}/chat/completions?api-version=1#top`, `${AZURE}?api-version=1`],
    ["https://x/chat", "https://x/chat"],
  ];
  for (const [written, completed] of addresses) {
    it(`is completed from ${written}, in the config and in the environment`, async () => {
      const own = `"x":{"kind":"openai-compatible","baseUrl":"${written}"}`;
      const config = said(await resolved(DEFAULT("x/a"), own));
      assert.deepEqual(config, [`x openai-compatible ${completed} - a`]);
      const env = { OPENAI_BASE_URL: `"${written}"`, OPENAI_MODEL: "'a'" };
      assert.deepEqual(said(await resolved("", "", env)), [
        `openai openai-compatible ${completed} - a`,
      ]);
    });
  }

  for (const wrong of ["openai", "/v1", "ftp://x", "http://", "me:pw@x", "http://me:pw@x"]) {
    it(`is an error as ${wrong}, in the config and in the environment`, async () => {
      const own = `{"models":{"providers":{"x":{"kind":"anthropic","baseUrl":"${wrong}"}}}}`;
      assert.equal((await load(own)).kind, "refused");
      assert.equal(
        (await problemLines("{}", { env: { OPENAI_BASE_URL: wrong } }))[0],
        "error models.providers.openai.baseUrl: The variable OPENAI_BASE_URL is no address of a server",
      );
    });
  }
});

const faults: readonly (readonly [env: Env, problem: string])[] = [
  [
    { OPENAI_API_KEY: "a\nb" },
    "error models.providers.openai.apiKey: The variable OPENAI_API_KEY contains a character that no token or key has, such as a line break",
  ],
  [
    { OPENAI_API_KEY: '"your-key-here"' },
    "error models.providers.openai.apiKey: The variable OPENAI_API_KEY is a placeholder",
  ],
  [{ OPENAI_BASE_URL: "x.example:80", OPENAI_API_KEY: "k" }, ""],
  [
    { OPENAI_BASE_URL: '"http://x.example"', OPENAI_API_KEY: "k" },
    "warning models.providers.openai.baseUrl: OPENAI_BASE_URL is plain http to x.example, so OPENAI_API_KEY crosses the network unencrypted",
  ],
];
for (const [env, problem] of faults) {
  it(`[L2] variables with a fault › are named: ${JSON.stringify(env)}`, async () => {
    const lines = await problemLines("{}", { env });
    const isRight = problem === "" ? !/OPENAI/.test(lines.join()) : lines.includes(problem);
    assert.ok(isRight, lines.join("\n"));
  });
}

const priced = (price: string) =>
  resolved(
    '"defaults":{"model":"p/m"}',
    `"p":{"kind":"anthropic","baseUrl":"http://x","prices":{"m":${price}}}`,
  );

it("[L5] prices › need input and output together, unless they are for audio or images", async () => {
  for (const price of ['{"input":1,"output":2}', '{"audioMinute":1}', '{"image":1,"input":2}']) {
    assert.equal((await priced(price)).kind, "chosen");
  }
  for (const price of ["{}", '{"input":1}', '{"output":1,"cached":1}']) {
    await assert.rejects(priced(price), /A price needs \\"input\\" and \\"output\\"|needs "input"/);
  }
});
