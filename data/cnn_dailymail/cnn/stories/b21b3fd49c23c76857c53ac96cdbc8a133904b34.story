(CNN) -- Blind fish that live in the flooded caves beneath Mount Orsk talk to one another by grinding their teeth, and each cave has its own dialect, biologists reported on Tuesday.

A team of divers lowered waterproof microphones into six caves over two winters and recorded more than 900 hours of clicks. In every cave the fish used the same five basic sounds, but the order and speed differed so sharply that a computer could name the cave from ten seconds of tape.

When the researchers played sounds from one cave to the fish of another, the animals moved away. When they played local sounds, the fish gathered around the speaker.

"They seem to treat foreign clicks much as you would treat a stranger shouting in your kitchen," said Renata Solberg-Ames, who led the study at the University of Tarn.

The fish, which are pale pink and no longer than a finger, lost their eyes about 200,000 years ago, when rock falls closed off the caves. Solberg-Ames believes that the dialects grew apart after that.

@highlight

Blind cave fish communicate by grinding their teeth, a study finds

@highlight

Each of six caves has its own dialect, which a computer could identify

@highlight

Fish moved away from sounds recorded in other caves
