(CNN) -- After 36 years of being rained on, snowed on and once struck by lightning, the puppet that reads the weather on Channel 6 in Port Dalloway will hang up its umbrella on New Year's Eve.

Cirrus, a blue felt goat, was brought in for a single evening in 1977 when the regular forecaster had lost his voice. Viewers wrote in by the hundred, and the station never hired another human for the job.

The goat's voice and right hand belong to Marion Teasdale, 68, a trained meteorologist who wrote all of the forecasts herself. Her face had never been shown on air until last week.

"He could say things that I couldn't," Teasdale said. "If I got it wrong, I got letters. If he got it wrong, he got carrots."

A review by the local university in 2005 found that the goat's five-day forecasts were right 81 percent of the time, four points better than the national service.

In 1991 he broadcast for 30 hours without a break during Hurricane Odette, and was afterward given the keys to the city.

The station will use an automated map from January 1. Cirrus is going to the state museum, though Teasdale is to keep the umbrella.

@highlight

Weather puppet Cirrus retires after 36 years on Channel 6

@highlight

Meteorologist Marion Teasdale voiced the goat and wrote its forecasts

@highlight

A 2005 review found its five-day forecasts right 81 percent of the time
