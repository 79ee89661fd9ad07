import { Args } from '@oclif/core'

/** The argument of the commands that name a route. */
export const routeArgs = {
  route: Args.string({
    description: "Such as 'GET /users/:id'; without a method all of the endpoint.",
    required: true,
  }),
}
