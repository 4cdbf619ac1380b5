COTTER FLATS, Wenatah (CNN) -- A grass fire driven by 60-mph winds burned across 88,000 acres of prairie on Thursday, destroyed 31 homes, and forced everyone in the town of Cotter Flats to leave in less than an hour.

Two firefighters were treated for burns. There were no deaths, which Fire Chief Lorenzo Begay put down to luck and to a telephone tree that had been drawn up only this spring.

Ranchers who could not load their animals in time opened the gates. Around 400 horses ran ahead of the flames as far as the Little Sauk River, crossed it, and were discovered at dusk on the fairground of the next town, standing in the rodeo ring.

"They went where they knew there would be water and people," said rancher Jo Whitehorse. "I'd like to say that we trained them to do it."

The fire was 35 percent contained at nightfall. Rain was forecast for early Friday. Shelters have opened at the high school in Pine Bow and at two churches.

@highlight

A wind-driven grass fire burned 88,000 acres and destroyed 31 homes

@highlight

The whole town of Cotter Flats left in less than an hour

@highlight

About 400 freed horses were found in the next town's rodeo ring

@highlight

Two firefighters were treated for burns, but nobody died
