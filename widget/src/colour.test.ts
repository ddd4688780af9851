import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { contrast, parseHex, readableAs, readableOn } from './colour.ts';

const rgb = (text: string) => parseHex(text) ?? assert.fail(`${text} is no colour`);

describe('colour', () => {
  it('takes hexadecimal colours and nothing else', () => {
    for (const text of ['', 'red', '#12', '#12345', '#1234567', '#gggggg', 'url(x)', '#fff;}']) {
      assert.equal(parseHex(text), null, text);
    }
    assert.deepEqual(parseHex('#fff'), [255, 255, 255]);
    assert.deepEqual(parseHex(' #3b5BDB '), [59, 91, 219]);
  });

  it('measures as WCAG does', () => {
    assert.equal(contrast(rgb('#000'), rgb('#fff')), 21);
    assert.equal(contrast(rgb('#767676'), rgb('#fff')).toFixed(2), '4.54');
  });

  it('keeps 4.5 : 1 whatever the accent', () => {
    const grounds = ['#e6e9ec', '#ffffff', '#2e333a', '#16191d'];
    for (let value = 0; value < 0xffffff; value += 70_001) {
      const accent = rgb(`#${value.toString(16).padStart(6, '0')}`);
      assert.ok(contrast(accent, rgb(readableOn(accent))) >= 4.5);
      for (const ground of grounds) assert.ok(contrast(rgb(readableAs(accent, rgb(ground))), rgb(ground)) >= 4.5);
    }
  });
});
