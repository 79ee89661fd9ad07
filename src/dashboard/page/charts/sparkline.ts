import { makeSvg } from '../make.ts'

const WIDTH = 72
const HEIGHT = 18

/** A trend as a small line; the numbers are beside it. */
export function drawSparkline(trend: readonly number[]): SVGElement {
  const most = Math.max(1, ...trend)
  const step = WIDTH / Math.max(1, trend.length - 1)
  const points = trend.map((count, index) => {
    return `${(index * step).toFixed(1)},${(HEIGHT - 1 - (count / most) * (HEIGHT - 3)).toFixed(1)}`
  })
  const line = points.length > 1 ? points.join(' ') : `0,${HEIGHT / 2} ${WIDTH},${HEIGHT / 2}`
  return makeSvg(
    'svg',
    {
      class: 'sparkline',
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      width: WIDTH,
      height: HEIGHT,
      'aria-hidden': 'true',
    },
    makeSvg('polygon', { points: `0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}` }),
    makeSvg('polyline', { points: line }),
  )
}
