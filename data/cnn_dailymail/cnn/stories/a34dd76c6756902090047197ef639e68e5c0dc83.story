(CNN) -- A sensor modeled on the antenna of a night-flying moth can pick out the smell of a leaking gas pipe from half a mile away, according to a team at the Institute of Small Machines in Verrow.

The device, which is about the size of a grain of rice, copies the comb shape of the insect's antenna. Each tooth of the comb is coated with a protein that changes its electrical resistance when a single kind of molecule lands on it.

In trials along 40 miles of buried pipe last autumn, the sensor found eleven leaks. A conventional survey, carried out on foot with handheld meters, had found seven of them.

"The moth has been solving this problem for a hundred million years," said the project's leader, Ilse Brandtner. "He is looking for a mate and we are looking for methane, but the mathematics is the same."

There are drawbacks. The protein lasts only nine days before it must be replaced, and rain halves the sensor's range. Brandtner's group is now working on a coating that can be washed and used again.

Two gas companies have asked to test the next version, which is expected in the spring of next year.

@highlight

Rice-sized sensor copies the comb-shaped antenna of a moth to find gas leaks

@highlight

It found eleven leaks along 40 miles of pipe; a survey on foot found seven

@highlight

The protein coating lasts only nine days and rain halves the range
