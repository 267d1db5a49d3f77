/**
 * Keys of `audio`: speech in, and speech out.
 *
 * @module
 */

import { z } from "zod";
import { modelRef } from "./models.ts";
import { amount, key, lazySection, text } from "./parts/key.ts";

/** Of a config without the section. */
const DEFAULTS = { maxMin: 10, voice: "alloy" };

/** `audio`. */
export const audio = lazySection(
  () =>
    z.strictObject({
      transcribe: key(
        modelRef().optional(),
        "Model that writes down voice messages and other recordings: `<provider>/<model>`, at any " +
          "OpenAI-compatible `/v1/audio/transcriptions`.",
        { unset: "recordings are not transcribed", example: "openai/whisper-1" },
      ),
      maxMin: key(
        amount(0.1, 240).default(DEFAULTS.maxMin),
        "Maximum length of a recording. Longer ones are not transcribed.",
        { unit: "minutes", example: 30 },
      ),
      speak: key(
        modelRef().optional(),
        "Model that speaks: `<provider>/<model>`, at any OpenAI-compatible `/v1/audio/speech` that " +
          "gives Opus. The answer to a voice message then comes as text and as a voice message.",
        { unset: "answers are text only", example: "openai/tts-1" },
      ),
      voice: key(text().default(DEFAULTS.voice), "Voice that the model speaks with.", {
        example: "nova",
      }),
    }).prefault({}),
  DEFAULTS,
  "Voice messages and other recordings.",
  { task: "models" },
);
