import { z } from 'zod';
import { defineSettings } from '../platform/config/define.ts';
import { anyText, commaList, httpAddress } from '../platform/config/schemas.ts';

export type ModelProvider = 'openai' | 'anthropic' | 'google';
export type ModelConfig = Record<ModelProvider, { apiKey?: string; baseUrl: string }>;

/** US dollars for a million tokens, by the model's name as bots have it. */
export type ModelPrices = Map<string, { input: number; output: number }>;

const parsePrices = (value: string): ModelPrices | undefined => {
  const prices: ModelPrices = new Map();
  for (const item of commaList(value)) {
    const [, model, input, output] = /^([\w.:@/-]{1,130})=(\d+(?:\.\d+)?)\/(\d+(?:\.\d+)?)$/.exec(item) ?? [];
    if (!model || !input || !output || prices.size >= 50) return undefined;
    prices.set(model, { input: Number(input), output: Number(output) });
  }
  return prices;
};

const key = (of: string) =>
  ({ schema: anyText(), group: 'models', description: `The key of ${of}.`, secret: true }) as const;

export const modelSettings = defineSettings(
  {
    OPENAI_API_KEY: key('OpenAI, or of the service at OPENAI_BASE_URL'),
    OPENAI_BASE_URL: {
      schema: httpAddress(),
      group: 'models',
      description: 'Where it is: any OpenAI-compatible service.',
      default: 'https://api.openai.com/v1',
    },
    ANTHROPIC_API_KEY: key('Anthropic'),
    ANTHROPIC_BASE_URL: {
      schema: httpAddress(),
      group: 'models',
      description: 'Where it is.',
      default: 'https://api.anthropic.com/v1',
    },
    GOOGLE_GENERATIVE_AI_API_KEY: key('Google'),
    GOOGLE_GENERATIVE_AI_BASE_URL: {
      schema: httpAddress(),
      group: 'models',
      description: 'Where it is.',
      default: 'https://generativelanguage.googleapis.com/v1beta',
    },
    PARLEY_MODEL_PRICES: {
      schema: z
        .string()
        .transform((value, context) => {
          const prices = parsePrices(value);
          if (prices) return prices;
          context.addIssue('wrong prices');
          return z.NEVER;
        })
        .describe(
          'takes MODEL=INPUT/OUTPUT separated by commas, in US dollars for a million tokens: openai/gpt-5-mini=0.25/2',
        ),
      group: 'watching',
      description:
        'What models cost, for the metric of costs: MODEL=INPUT/OUTPUT in US dollars for a million tokens, with commas.',
      example: 'openai/gpt-5-mini=0.25/2',
    },
  },
  (values) => {
    const models: ModelConfig = {
      openai: { apiKey: values.OPENAI_API_KEY, baseUrl: values.OPENAI_BASE_URL },
      anthropic: { apiKey: values.ANTHROPIC_API_KEY, baseUrl: values.ANTHROPIC_BASE_URL },
      google: { apiKey: values.GOOGLE_GENERATIVE_AI_API_KEY, baseUrl: values.GOOGLE_GENERATIVE_AI_BASE_URL },
    };
    return { models, prices: values.PARLEY_MODEL_PRICES ?? new Map() };
  },
);
