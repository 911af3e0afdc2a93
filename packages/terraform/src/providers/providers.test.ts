import { describe, expect, it } from 'vitest';
import { folderWith, SKIP_TERRAFORM, succeed } from '../terraform-for-tests.ts';
import { findForbiddenProviders, isBuiltIn, providerName } from './provider-name.ts';
import { readProviders } from './read-providers.ts';

describe('the name of a provider', () => {
  it.each([
    ['azure', 'azurerm'],
    ['gcp', 'google'],
    ['AWS', 'aws'],
    [' hashicorp/aws', 'aws'],
    ['registry.terraform.io/hashicorp/google', 'google'],
    ['registry.opentofu.org/hashicorp/google', 'google'],
    ['acme/lab', 'acme/lab'],
    ['registry.terraform.io/acme/lab', 'acme/lab'],
    // Whoever runs another registry can call anything so.
    ['evil.example.com/hashicorp/aws', 'evil.example.com/hashicorp/aws'],
    ['evil.example.com/builtin/terraform', 'evil.example.com/builtin/terraform'],
    ['terraform', 'terraform.io/builtin/terraform'],
    ['builtin/terraform', 'terraform.io/builtin/terraform'],
    ['terraform.io/builtin/terraform', 'terraform.io/builtin/terraform'],
    ['acme/terraform', 'acme/terraform'],
  ])('%s is %s', (given, name) => {
    expect(providerName(given)).toBe(name);
    expect(isBuiltIn(given)).toBe(name === 'terraform.io/builtin/terraform');
  });

  it('nobody is let in by somebody else’s name, and an empty list lets nobody in', () => {
    const used = ['registry.terraform.io/hashicorp/aws', 'terraform.io/builtin/terraform', 'lab.local/hashicorp/aws'];
    expect(findForbiddenProviders(used, ['aws', 'terraform'])).toEqual(['lab.local/hashicorp/aws']);
    expect(findForbiddenProviders(used, [])).toEqual(used);
    expect(findForbiddenProviders([], [])).toEqual([]);
  });
});

it.skipIf(SKIP_TERRAFORM)('reads what the real program says of configuration, modules and state', async () => {
  const dir = folderWith({
    'main.tf': `
      terraform {
        required_providers {
          lab = { source = "lab.local/acme/lab", version = "~> 1.0" }
        }
      }
      resource "terraform_data" "a" {}
      data "aws_region" "b" {}`,
    'terraform.tfstate': JSON.stringify({
      version: 4,
      terraform_version: '1.11.4',
      serial: 1,
      lineage: 'l',
      outputs: {},
      resources: [
        {
          mode: 'managed',
          type: 'random_id',
          name: 'gone',
          provider: 'provider["registry.terraform.io/hashicorp/random"]',
          instances: [],
        },
      ],
    }),
  });
  const { stdout } = await succeed(dir, ['providers']);
  expect(readProviders(stdout)).toEqual([
    'lab.local/acme/lab',
    'registry.terraform.io/hashicorp/aws',
    'registry.terraform.io/hashicorp/random',
    'terraform.io/builtin/terraform',
  ]);
  expect(readProviders('No configuration here.')).toEqual([]);
});
