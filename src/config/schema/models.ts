/** Keys of `models`, of the choice of a model, and of `audio`, which names models. */

import { z } from "zod";
import { amount, baseAddress, key, lazySection, text, whole } from "./parts/key.ts";
import { secret } from "./parts/secrets.ts";

/** A model of a provider: `"openai/gpt-4.1"`. */
export const modelRef = () =>
  z.string().regex(/^[^/\s]+\/\S+$/, 'Expected "<provider>/<model>", such as "ollama/qwen3:8b"');

export const model = () =>
  z.union([
    modelRef(),
    z.strictObject({
      primary: key(modelRef(), "The model to ask first.", { example: "anthropic/claude" }),
      fallbacks: key(
        z.array(modelRef()).default([]),
        "Models to ask if the first one fails, in order. Barnacle goes on to the next one before " +
          "any text of an answer is visible, and skips a failing provider for a while.",
        { example: ["openai/gpt-5-mini", "ollama/qwen3:8b"] },
      ),
    }),
  ]);

const price = () => amount(0, 10_000);

const PROVIDER_KINDS = ["openai-compatible", "openai-responses", "anthropic", "google"] as const;

const provider = () =>
  z.strictObject({
    kind: key(
      z.enum(PROVIDER_KINDS),
      "The provider's API.",
      { example: "openai-compatible", isCommon: true },
    ),
    baseUrl: key(
      baseAddress("put it into apiKey or headers").optional(),
      "Base address of the API. Only the provider `openai` and the kinds `openai-responses`, " +
        "`anthropic` and `google` have a default.",
      { unset: "the vendor's address", example: "http://127.0.0.1:11434/v1", isCommon: true },
    ),
    apiKey: key(
      secret().optional(),
      'The API key: `{ "file": "name" }` reads the file that `barnacle secret set` writes.',
      {
        unset: "`OPENAI_API_KEY`, `ANTHROPIC_API_KEY` or `GEMINI_API_KEY` of the " +
          "environment if `baseUrl` is not set; else none",
        example: { file: "openai_api_key" },
        isCommon: true,
      },
    ),
    headers: key(
      z.record(text(), secret()).default({}),
      "Headers to add to each request. A value is written like `apiKey`.",
      { example: { "x-api-key": { file: "openai_api_key" } } },
    ),
    silenceSec: key(
      whole(5, 86_400).optional(),
      "How long (seconds) the server may send nothing before Barnacle gives a request up. A turn " +
        "ends after `agents.turnTimeoutSec` in any case. With fallbacks, a lower value asks them sooner.",
      { unset: "600 at a private address, else 60", unit: "seconds", example: 1_800 },
    ),
    prices: key(
      z.record(
        text(),
        z.strictObject({
          input: key(price().optional(), "Price of a million tokens of requests.", {
            unset: "0; only with `audioMinute` or `image`",
            example: 3,
          }),
          output: key(price().optional(), "Price of a million tokens of answers.", {
            unset: "0; only with `audioMinute` or `image`",
            example: 15,
          }),
          cached: key(price().optional(), "Price of a million tokens that the server had cached.", {
            unset: "that of `input`",
            example: 0.3,
          }),
          audioMinute: key(
            price().optional(),
            "Price of a minute of audio, for models of `audio.transcribe` and `audio.speak`.",
            { unset: "unknown", example: 0.006 },
          ),
          image: key(price().optional(), "Price of an image, for the model of `tools.draw`.", {
            unset: "tokens count, if the server reports them",
            example: 0.04,
          }),
        }).superRefine(({ input, output, audioMinute, image }, context) => {
          if (input !== undefined && output !== undefined) return;
          if (audioMinute !== undefined || image !== undefined) return;
          context.addIssue({
            code: "custom",
            message: 'A price needs "input" and "output"',
            params: {
              hint: 'write both, or "audioMinute" or "image" for a model of audio or images',
            },
          });
        }),
      ).default({}),
      "Prices, by model, in a currency of your choice: per million tokens, minute of audio or image. " +
        "They win over Barnacle's list of the usual hosted models, which is in dollars and dated.",
      { entry: "<model>", example: { "gpt-5": { input: 1.25, output: 10, cached: 0.125 } } },
    ),
    models: key(
      z.record(
        text(),
        z.strictObject({
          contextWindow: key(
            whole(256, 100_000_000).optional(),
            "Number of tokens that a request and its answer may have together.",
            {
              unset: "as the server reports it, else by the model's family, else 32,768",
              unit: "tokens",
              example: 131_072,
            },
          ),
          maxOutput: key(
            whole(1, 10_000_000).optional(),
            "Maximum number of tokens of an answer. Barnacle sends it with each request.",
            { unset: "the server's limit; 4,096 at Anthropic", unit: "tokens", example: 4_096 },
          ),
          images: key(z.boolean().optional(), "Whether the model takes images.", {
            unset: "as the server reports it, else tried",
            example: true,
          }),
          tools: key(z.boolean().optional(), "Whether the model can call tools.", {
            unset: "as the server reports it, else tried",
            example: false,
          }),
        }),
      ).default({}),
      "Abilities of the provider's models, by model. Barnacle asks the server about those that are " +
        "not written here, if the server tells them.",
      { entry: "<model>", example: { "qwen3:8b": { contextWindow: 32_768, images: false } } },
    ),
  });

export const models = lazySection(
  "models",
  () =>
    z.strictObject({
      currency: key(
        z.string().regex(/^\S{1,8}$/, "Expected a short word without spaces, such as EUR")
          .optional(),
        "Name or sign of the currency of `prices`. Barnacle shows it behind costs, and converts nothing.",
        { unset: "none", example: "EUR" },
      ),
      providers: key(
        z.record(z.string().regex(/^[^/\s]+$/, "Expected a name without / and spaces"), provider())
          .default({}),
        "Model servers, by a name of your choice: the first part of `<provider>/<model>`.",
        {
          example: { ollama: { kind: "openai-compatible", baseUrl: "http://127.0.0.1:11434/v1" } },
          isCommon: true,
          entry: "<provider>",
        },
      ),
    }).prefault({}),
  "Models and their servers.",
  { task: "models" },
);

export const audio = lazySection(
  "audio",
  () =>
    z.strictObject({
      transcribe: key(
        modelRef().optional(),
        "Model that writes down voice messages and other recordings: `<provider>/<model>`, at any " +
          "OpenAI-compatible `/v1/audio/transcriptions`.",
        { unset: "recordings are not transcribed", example: "openai/whisper-1" },
      ),
      maxMin: key(
        amount(0.1, 240).default(10),
        "Maximum length of a recording. Longer ones are not transcribed.",
        { unit: "minutes", example: 30 },
      ),
      speak: key(
        modelRef().optional(),
        "Model that speaks: `<provider>/<model>`, at any OpenAI-compatible `/v1/audio/speech` that " +
          "gives Opus. The answer to a voice message then comes as text and as a voice message.",
        { unset: "answers are text only", example: "openai/tts-1" },
      ),
      voice: key(text().default("alloy"), "Voice that the model speaks with.", { example: "nova" }),
    }).prefault({}),
  "Voice messages and other recordings.",
  { task: "models" },
);
