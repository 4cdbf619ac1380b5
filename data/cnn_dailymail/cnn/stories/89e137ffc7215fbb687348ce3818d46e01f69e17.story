(CNN) -- A grape seed that was found in a sealed jar beneath a ruined temple has sprouted after about 2,600 years, botanists say, which makes it the oldest grape known to have grown.

Of 19 seeds taken from the jar, only one came up. It now has five leaves and stands in a locked greenhouse at the Hadrene Botanical Institute, under the care of two people who are not allowed to take their vacations at the same time.

The age was fixed by radiocarbon dating of fragments of the seed’s own coat. Cold, dry air inside the jar appears to have kept the embryo alive.

“We soaked it in warm water, then in a hormone, and then we left it alone, which was the hardest part,” said botanist Shirin Vakili. “On the 40th day there was a green hook. I am not ashamed to say that I sat down on the floor.”

Early tests suggest that the vine is not closely related to any variety grown today. If it flowers, in perhaps three years, the team hopes to cross it with modern plants that suffer from mildew.

And wine? “Ask me in ten years,” Vakili said. “I already have a corkscrew.”

@highlight

A grape seed about 2,600 years old has sprouted, botanists say

@highlight

It was one of 19 seeds found in a sealed jar beneath a temple

@highlight

The vine does not appear closely related to any modern variety
